"""The sets that bertkit's own adapters learn from, as files that `bertkit finetune` reads.

    python examples/trained/data.py sentiment|entities|questions DATA FOLDER

* sentiment: SST-2 with words for its labels.
* entities: three sets with one set of types. WNUT-17's person and location are PER and LOC, its corporation and group
  ORG, its product and creative-work MISC, as CoNLL-2003 has it. UNER marks no MISC.
* questions: of SQuAD 1.1's training set the questions of some articles; a quarter of them is put to another paragraph
  of the same article besides, where it has no answer unless the answer's words are there.
"""

from __future__ import annotations

import gzip
import json
import random
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from bertkit.labelled.examples import Tagged
from bertkit.labelled.reading import read_examples

TYPES = {
    "person": "PER",
    "location": "LOC",
    "corporation": "ORG",
    "group": "ORG",
    "product": "MISC",
    "creative-work": "MISC",
}
QUESTIONS, EVALUATED = 24_000, 2_000
ANSWERLESS = 0.25
Row = dict[str, Any]


def sentiment(data: Path) -> tuple[list[Row], list[Row]]:
    """Training and development sentences."""

    def rows(path: Path) -> list[Row]:
        lines = path.read_text(encoding="utf-8").splitlines()[1:]
        pairs = (line.rsplit("\t", 1) for line in lines)
        return [{"text": text.strip(), "label": ("negative", "positive")[int(label)]} for text, label in pairs]

    return rows(data / "glue/SST-2/train.tsv"), rows(data / "glue/SST-2/dev.tsv")


def entities(data: Path) -> tuple[list[Row], list[Row]]:
    """Words and tags; held out are WNUT-17's and UNER's test sets, and every tenth sentence of Wikigold."""
    ner = data / "ner"
    wikigold = list(tagged(next((ner / "wikigold").glob("wikigold*"))))
    wnut = [list(tagged(ner / "wnut17" / name)) for name in ("wnut17train.conll", "emerging.test.annotated")]
    uner = [list(tagged(next((ner / "uner_ewt").glob(f"*{part}*")))) for part in ("dev", "test")]
    training = [row for index, row in enumerate(wikigold) if index % 10] + wnut[0] + uner[0]
    return training, wikigold[::10] + wnut[1] + uner[1]


def tagged(path: Path) -> Iterator[Row]:
    """A file's sentences, their tags in one scheme (IOB2) and of one set of types."""
    for example in read_examples(str(path), "token-classification", format="conll"):
        text, target = example.row.fields["text"], example.target
        assert isinstance(text, str)
        assert isinstance(target, Tagged)
        yield {"tokens": [text[start:end] for start, end in target.words], "ner_tags": list(iob2(target.tags))}


def iob2(tags: Iterable[str]) -> Iterator[str]:
    """Tags of which each entity's first is a B-, with the types of `TYPES`."""
    before = "O"
    for tag in tags:
        kind = tag[2:]
        begins = tag.startswith("B-") or before[2:] != kind
        yield "O" if tag in ("O", "OTH") or not kind else f"{'B' if begins else 'I'}-{TYPES.get(kind, kind)}"
        before = tag


def questions(data: Path) -> tuple[list[Row], list[Row]]:
    """Articles of SQuAD: training ones, and the last ones of the training set to choose the best weights by."""
    articles = json.loads(gzip.decompress((data / "squad/train-v1.1.json.gz").read_bytes()))["data"]
    chance = random.Random(0)
    chance.shuffle(articles)
    return first(articles, QUESTIONS, chance), first(articles[::-1], EVALUATED, chance)


def first(articles: list[Row], most: int, chance: random.Random) -> list[Row]:
    """The first articles with so many questions, and questions without answers among them."""
    taken, count = [], 0
    for article in articles:
        paragraphs = article["paragraphs"]
        for paragraph in paragraphs:
            others = [
                {**asked, "answers": [], "is_impossible": True}
                for other in chance.sample(paragraphs, 1)
                for asked in other["qas"]
                if other is not paragraph
                and chance.random() < ANSWERLESS
                and not any(answer["text"].lower() in paragraph["context"].lower() for answer in asked["answers"])
            ]
            own = [{**asked, "is_impossible": False} for asked in paragraph["qas"]]
            numbered = [{**asked, "id": str(count + place)} for place, asked in enumerate(own + others)]
            taken.append({"context": paragraph["context"], "qas": numbered})
            count += len(numbered)
            if count >= most:
                return taken
    return taken


def main() -> None:
    """Write a set's two files."""
    name, data, folder = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3])
    if name == "questions":
        for part, paragraphs in zip(("train", "eval"), questions(data), strict=True):
            articles = [{"title": "", "paragraphs": paragraphs}]
            (folder / f"{name}.{part}.json").write_text(json.dumps({"version": "v2.0", "data": articles}))
        return
    made = {"sentiment": sentiment, "entities": entities}[name](data)
    for part, rows in zip(("train", "eval"), made, strict=True):
        lines = "".join(f"{json.dumps(row)}\n" for row in rows)
        (folder / f"{name}.{part}.jsonl").write_text(lines, encoding="utf-8")


if __name__ == "__main__":
    main()
