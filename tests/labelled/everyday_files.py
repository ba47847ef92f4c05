"""Files as they are met: each format and shape with a small one, made as the real ones are, and what is in it."""

from __future__ import annotations

import gzip
import json
from collections.abc import Mapping
from dataclasses import dataclass, field

from bertkit.labelled.examples import References, Tagged, Target

CLASSES, TAGS, ANSWERS = "text-classification", "token-classification", "question-answering"
RANKING, CHOICES = "text-ranking", "multiple-choice"
Inputs = tuple[Mapping[str, object], ...]

GOOD_AND_BAD: Inputs = ({"text": "a good one"}, {"text": "so, so bad"}, {"text": "good"})
JOHN: Inputs = ({"text": "John lives in Rome ."}, {"text": "He works ."})
TAGS_OF_JOHN = (("B-PER", "O", "O", "B-LOC", "O"), ("O", "O", "O"))


@dataclass(frozen=True)
class Everyday:
    """A file.

    Attributes:
        inputs, targets: what is read from it.
        said: a part of the line that says what it was taken for; none where it is no guess.
        options: of the command line, without which it is refused.
    """

    task: str
    name: str
    content: bytes
    inputs: Inputs
    targets: tuple[Target, ...]
    said: str | None = None
    options: Mapping[str, str] = field(default_factory=dict)


def _classes(name: str, content: str | bytes, said: str | None = None, **options: str) -> Everyday:
    raw = content if isinstance(content, bytes) else content.encode()
    return Everyday(CLASSES, name, raw, GOOD_AND_BAD, ("pos", "neg", "pos"), said, options)


def _several(name: str, content: str, said: str | None = None, **options: str) -> Everyday:
    inputs = ({"text": "you fool"}, {"text": "hello"}, {"text": "go away"})
    return Everyday(CLASSES, name, content.encode(), inputs, (("toxic", "insult"), (), ("toxic",)), said, options)


def _tags(name: str, content: str, said: str | None = None, **options: str) -> Everyday:
    spans = (((0, 4), (5, 10), (11, 13), (14, 18), (19, 20)), ((0, 2), (3, 8), (9, 10)))
    targets = tuple(Tagged(*one) for one in zip(spans, TAGS_OF_JOHN, strict=True))
    return Everyday(TAGS, name, content.encode(), JOHN, targets, said, options)


def _answers(name: str, content: str, said: str | None = None) -> Everyday:
    inputs = tuple({"question": question, "context": "Ada was born in 1815."} for question in ("Who?", "When?"))
    targets = (References(("Ada",), (0,)), References(("1815",), (16,)))
    return Everyday(ANSWERS, name, content.encode(), inputs, targets, said)


def _ranking(name: str, content: str, said: str | None = None, **options: str) -> Everyday:
    inputs = (
        {"query": "cats", "documents": ["a cat", "a dog", "a car"]},
        {"query": "cars", "documents": ["a car", "x"]},
    )
    return Everyday(RANKING, name, content.encode(), inputs, ((1.0, 0.0, 0.0), (1.0, 0.0)), said, options)


def _choices(name: str, content: str, said: str | None = None) -> Everyday:
    inputs = (
        {"text": "She sits.", "choices": ["She reads", "She flies"]},
        {"text": "It rains.", "choices": ["He burns", "He gets wet"]},
    )
    return Everyday(CHOICES, name, content.encode(), inputs, (0, 1), said)


def lines(*values: object) -> str:
    """A JSON value a line."""
    return "".join(json.dumps(value) + "\n" for value in values)


_TABLE = 'text{0}label\na good one{0}pos\n"so, so bad"{0}neg\ngood{0}pos\n'
_ROWS = [
    {"text": "a good one", "label": "pos"},
    {"text": "so, so bad", "label": "neg"},
    {"text": "good", "label": "pos"},
]
_TOXIC = "id,comment_text,toxic,obscene,insult\n0a,you fool,1,0,1\n0b,hello,0,0,0\n0c,go away,1,0,0\n"
_KAGGLE_NER = (
    "Sentence #,Word,POS,Tag\nSentence: 1,John,NNP,B-PER\n,lives,VBZ,O\n,in,IN,O\n,Rome,NNP,B-LOC\n,.,.,O\n"
    "Sentence: 2,He,PRP,O\n,works,VBZ,O\n,.,.,O\n"
)
_SPANS = [[[0, 4, "PER"], [14, 18, "LOC"]], []]
_TEXTS = [str(one["text"]) for one in JOHN]


def _entities(start: str, end: str, label: str) -> list[list[dict[str, object]]]:
    return [[{start: first, end: last, label: name} for first, last, name in spans] for spans in _SPANS]


def _label_studio(text: str, spans: list[dict[str, object]], number: int) -> dict[str, object]:
    result = [
        {"value": {**span, "text": "…"}, "from_name": "label", "to_name": "text", "type": "labels"} for span in spans
    ]
    return {"id": number, "data": {"text": text}, "annotations": [{"id": 7, "result": result, "was_cancelled": False}]}


def _prodigy(text: str, spans: list[dict[str, object]], answer: str) -> dict[str, object]:
    tokens = [{"text": word, "start": 0, "end": 1, "id": place} for place, word in enumerate(text.split())]
    return {"text": text, "_input_hash": 1, "_task_hash": 2, "tokens": tokens, "spans": spans, "answer": answer}


_QUESTIONS = [
    {"id": 1, "question": "Who?", "answers": [{"text": "Ada", "answer_start": 0}]},
    {"id": 2, "question": "When?", "answers": [{"text": "1815", "answer_start": 16}]},
]
_ARTICLE = {"title": "Ada", "paragraphs": [{"context": "Ada was born in 1815.", "qas": _QUESTIONS}]}
_FLAT = [
    {
        "id": one["id"],
        "title": "Ada",
        "context": "Ada was born in 1815.",
        "question": one["question"],
        "answers": {"text": [answer["text"]], "answer_start": [answer["answer_start"]]},
    }
    for one in _QUESTIONS
    for answer in one["answers"]  # type: ignore[attr-defined]
]
_CONLL_U = (
    "# newdoc id = n01\n# sent_id = s1\n#text = John lives in Rome .\n"
    "1\tJohn  \tJohn\tB-PER\tNNP\t_\t0\troot\t_\t_\n2\tlives \tlive\tO\tVBZ\t_\t1\tx\t_\t\n"
    "3\tin    \tin\tO\tIN\t_\t1\tx\t_\t_\n"
    "4\tRome  \tRome\tB-LOC\tNNP\t_\t1\tx\t_\t_\n5\t.     \t.\tO\t.\t_\t1\tx\t_\t_\n"
    "   \n# sent_id = s2\n1\tHe\the\tO\tPRP\t_\t0\tx\t_\t_\n2-3\tworks.\t_\t_\t_\t_\t_\t_\t_\t_\n"
    "2\tworks\twork\tO\tVBZ\t_\t0\tx\t_\t_\n3\t.\t.\tO\t.\t_\t0\tx\t_\t_\n\n\n"
)
_SWAG = (
    "video-id,sent1,sent2,gold-source,ending0,ending1,label\na,She sits.,She,gold,reads,flies,0\n"
    "b,It rains.,He,gen,burns,gets wet,1\n"
)

EVERYDAY: Mapping[str, Everyday] = {
    "comma CSV": _classes("a.csv", _TABLE.format(",")),
    "semicolon CSV": _classes("a.csv", _TABLE.format(";"), "between ';'"),
    "semicolon CSV, gzip": _classes("a.csv.gz", gzip.compress(_TABLE.format(";").encode()), "between ';'"),
    "tab CSV": _classes("a.csv", _TABLE.format("\t"), "between '\\t'"),
    "pipe CSV": _classes("a.csv", _TABLE.format("|"), "between '|'"),
    "CSV of a delimiter that is named": _classes("a.csv", _TABLE.format("~"), delimiter="~"),
    "TSV with quoted fields": _classes(
        "a.tsv", '"text"\t"label"\n"a good one"\t"pos"\n"so, so bad"\t"neg"\n"good"\t"pos"\n', "quoted"
    ),
    "TSV that is quoted, as is said": _classes("a.tsv", _TABLE.format("\t"), delimiter="tab", format="csv"),
    "commas in a .tsv": _classes("a.tsv", _TABLE.format(","), "between ','"),
    "no header": _classes("a.csv", _TABLE.format(",").partition("\n")[2], text_column="1", label_column="2"),
    "UTF-16 with a mark": _classes("a.csv", _TABLE.format(",").encode("utf-16")),
    "UTF-16 without one": _classes("a.csv", _TABLE.format(",").encode("utf-16-le"), "UTF-16-LE"),
    "UTF-16, big endian": _classes("a.csv", _TABLE.format(",").encode("utf-16-be"), "UTF-16-BE"),
    "UTF-8 with a mark, CRLF": _classes("a.csv", "\ufeff" + _TABLE.format(",").replace("\n", "\r\n")),
    "line ends of old Macs": _classes("a.csv", _TABLE.format(",").replace("\n", "\r"), "CR as line ends"),
    "JSON list": _classes("a.json", json.dumps(_ROWS, indent=1)),
    "JSON list under data": _classes("a.json", json.dumps({"version": "1", "data": _ROWS})),
    "JSON list in a .jsonl": _classes("a.jsonl", json.dumps(_ROWS)),
    "JSON lines in a .json": _classes("a.json", lines(*_ROWS)),
    "pandas' JSON": _classes(
        "a.json", json.dumps({name: {str(n): row[name] for n, row in enumerate(_ROWS)} for name in ("text", "label")})
    ),
    "columns in JSON": _classes(
        "a.json", json.dumps({name: [row[name] for row in _ROWS] for name in ("text", "label")})
    ),
    "fastText": _classes("a.txt", "__label__pos a good one\n__label__neg so, so bad\n__label__pos good\n"),
    "fastText, several labels": _several(
        "a.txt", "__label__toxic __label__insult you fool\nhello\n__label__toxic go away\n", format="fasttext"
    ),
    "a column a label": _several("a.csv", _TOXIC, "a column a label"),
    "columns of labels that are named": _several(
        "a.csv", _TOXIC.replace("0a", "17").replace("obscene", "length"), "toxic, insult", label_column="toxic,insult"
    ),
    "spaCy's categories": _classes(
        "a.jsonl",
        lines(
            *(
                [row["text"], {"cats": {"pos": float(row["label"] == "pos"), "neg": float(row["label"] == "neg")}}]
                for row in _ROWS
            )
        ),
    ),
    "doccano's classes": _classes(
        "a.jsonl",
        lines(*({"id": n, **row, "label": [row["label"]]} for n, row in enumerate(_ROWS))),
        problem="single-label",
    ),
    "Label Studio's choices": _classes(
        "a.json",
        json.dumps(
            [
                {
                    "id": n,
                    "data": {"text": row["text"]},
                    "annotations": [{"result": [{"value": {"choices": [row["label"]]}}]}],
                }
                for n, row in enumerate(_ROWS)
            ]
        ),
    ),
    "Prodigy's choices": _classes(
        "a.jsonl",
        lines(
            *(
                {"text": row["text"], "_task_hash": 1, "options": [], "accept": [row["label"]], "answer": "accept"}
                for row in _ROWS
            ),
            {"text": "unsure", "_task_hash": 1, "options": [], "accept": [], "answer": "ignore"},
        ),
        "left out",
    ),
    "doccano's spans": _tags(
        "a.jsonl",
        lines(*({"id": 1, "text": t, "label": s} for t, s in zip(_TEXTS, _SPANS, strict=True))),
        "entities under",
    ),
    "doccano's entities": _tags(
        "a.jsonl",
        lines(
            *(
                {"id": 1, "text": text, "entities": entities, "relations": []}
                for text, entities in zip(_TEXTS, _entities("start_offset", "end_offset", "label"), strict=True)
            )
        ),
    ),
    "Label Studio's entities": _tags(
        "a.json",
        json.dumps(
            [
                _label_studio(text, [{**one, "labels": [one["labels"]]} for one in spans], number)
                for number, (text, spans) in enumerate(zip(_TEXTS, _entities("start", "end", "labels"), strict=True))
            ]
        ),
    ),
    "Label Studio's short JSON": _tags(
        "a.json",
        json.dumps(
            [
                {"id": 3, "text": text, "label": [{**one, "labels": [one["labels"]]} for one in spans], "annotator": 1}
                for text, spans in zip(_TEXTS, _entities("start", "end", "labels"), strict=True)
            ]
        ),
        "entities under",
    ),
    "Prodigy's spans": _tags(
        "a.jsonl",
        lines(
            *(_prodigy(*one, "accept") for one in zip(_TEXTS, _entities("start", "end", "label"), strict=True)),
            _prodigy("no", [], "reject"),
        ),
        "1 rows that their annotators have rejected",
    ),
    "spaCy's tuples": _tags(
        "a.json", json.dumps([[text, {"entities": spans}] for text, spans in zip(_TEXTS, _SPANS, strict=True)])
    ),
    "spaCy's tuples a line": _tags(
        "a.jsonl", lines(*([text, {"entities": spans}] for text, spans in zip(_TEXTS, _SPANS, strict=True)))
    ),
    "Kaggle's words": _tags("ner.csv", _KAGGLE_NER, "a word a row"),
    "a word a row, each with its sentence": _tags(
        "ner.csv",
        "sentence_id,words,labels\n"
        + "".join(
            f"{number},{word},{tag}\n"
            for number, (one, tags) in enumerate(zip(_TEXTS, TAGS_OF_JOHN, strict=True))
            for word, tag in zip(one.split(), tags, strict=True)
        ),
        "a word a row",
    ),
    "CoNLL-U, padded, with comments": _tags("a.conllu", _CONLL_U, "CoNLL-U"),
    "SQuAD with numbers for ids": _answers("a.json", json.dumps({"data": [_ARTICLE]})),
    "SQuAD as a list": _answers("a.json", json.dumps([_ARTICLE])),
    "SQuAD as flat rows": _answers("a.json", json.dumps(_FLAT)),
    "SQuAD as flat rows under data": _answers("a.json", json.dumps({"data": _FLAT})),
    "SQuAD as flat rows in CSV": _answers(
        "a.csv",
        "title,context,question,id,answer_start,text\nAda,Ada was born in 1815.,Who?,1,0,Ada\n"
        "Ada,Ada was born in 1815.,When?,2,16,1815\n",
    ),
    "MS MARCO's triples": _ranking(
        "a.tsv", "query\tpositive\tnegative\ncats\ta cat\ta dog\ncars\ta car\tx\ncats\ta cat\ta car\n", "positives"
    ),
    "MS MARCO's triples without a header": _ranking(
        "a.tsv",
        "cats\ta cat\ta dog\ncars\ta car\tx\ncats\ta cat\ta car\n",
        "positives",
        query_column="1",
        positive_column="2",
        negative_column="3",
    ),
    "lists of positives and negatives": _ranking(
        "a.jsonl",
        lines(
            {"query": "cats", "pos": ["a cat"], "neg": ["a dog", "a car"]},
            {"query": "cars", "pos": ["a car"], "neg": ["x"]},
        ),
        "positives",
    ),
    "Tevatron's passages": _ranking(
        "a.jsonl",
        lines(
            {
                "query_id": "7",
                "query": "cats",
                "positive_passages": [{"docid": "1", "title": "", "text": "a cat"}],
                "negative_passages": [{"docid": "2", "title": "a", "text": "dog"}, {"docid": "3", "text": "a car"}],
            },
            {
                "query_id": "8",
                "query": "cars",
                "positive_passages": [{"text": "a car"}],
                "negative_passages": [{"text": "x"}],
            },
        ),
        "positives",
    ),
    "MS MARCO's passages": _ranking(
        "a.jsonl",
        lines(
            {
                "query": "cats",
                "query_id": 7,
                "passages": {"is_selected": [1, 0, 0], "passage_text": ["a cat", "a dog", "a car"]},
            },
            {"query": "cars", "query_id": 8, "passages": {"is_selected": [1, 0], "passage_text": ["a car", "x"]}},
        ),
        "selected",
    ),
    "rows of a query that are not together": _ranking(
        "a.csv",
        "query,document,label\ncats,a cat,1\ncars,a car,1\ncats,a dog,0\ncars,x,0\ncats,a car,0\n",
        "stand apart",
    ),
    "SWAG": _choices("swag.csv", _SWAG, "a column a choice"),
    "choices in columns": _choices(
        "a.csv",
        "question,option_a,option_b,answer\nShe sits.,She reads,She flies,A\nIt rains.,He burns,He gets wet,option_b\n",
        "a column a choice",
    ),
}
