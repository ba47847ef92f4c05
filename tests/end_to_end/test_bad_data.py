"""Bad training data, as a user meets it: `bertkit finetune` says in one line what is wrong where, in one what to do."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from bertkit.cli.main import main
from tests.parity.bert_peer import Sizes, make_peer

Content = str | bytes | dict[str, Any]  # of a file; a table is written as Parquet

CLASSES, TAGS, ANSWERS = "text-classification", "token-classification", "question-answering"
GOOD = "text,label\n" + "".join(f"w{number} w1,{'ab'[number % 2]}\n" for number in range(20))
NER = "w1 B-PER\nw2 O\n\nw3 O\nw4 B-LOC\n\n" * 3
NER_ROWS = [{"tokens": ["w1", "w2"], "ner_tags": ["B-PER", "O"]}, {"tokens": ["w3"], "ner_tags": ["PER"]}]
CONTEXT = "w1 w2 w3 w4"


def squad(*starts: int) -> str:
    """Questions about one text, whose answer, `w2`, is said to begin at these places; it begins at 3."""
    asked = [
        {"id": f"q{number}", "question": f"w5 w{number}", "answers": [{"text": "w2", "answer_start": start}]}
        for number, start in enumerate(starts)
    ]
    return json.dumps({"data": [{"paragraphs": [{"context": CONTEXT, "qas": asked}]}]})


def lines(*labels: object) -> str:
    return "text,label\n" + "".join(f"w{number},{label}\n" for number, label in enumerate(labels))


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("model")
    make_peer(Sizes(layers=1, segment_types=2), folder, deviation=0.1)
    return folder


@pytest.fixture
def refusal(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., tuple[str, str]]:
    """What `bertkit finetune` says of a file of examples: what is wrong, and what to do."""
    monkeypatch.chdir(tmp_path)

    def refusal(task: str, name: str, content: Content, *options: str, held_out: str | None = None) -> tuple[str, str]:
        write(Path(name), content)
        if held_out is not None:
            write(Path(f"eval.{name.rpartition('.')[2]}"), held_out)
            options = (*options, "--eval", f"eval.{name.rpartition('.')[2]}")
        code = main(["finetune", "--task", task, "-m", str(model), "--train", name, "-o", "run", *options])
        out, err = capsys.readouterr()
        assert (code, out) == (2, ""), err
        assert not Path("run").exists()
        what, remedy = err.splitlines()
        page = r" \(docs/errors/\w+\.md\)$"
        return what.removeprefix("error: "), re.sub(page, "", remedy.removeprefix("  → "))

    return refusal


def write(path: Path, content: Content) -> None:
    if isinstance(content, dict):
        pq.write_table(pa.table(content), path)
    else:
        path.write_bytes(content if isinstance(content, bytes) else content.encode())


@pytest.mark.parametrize(
    ("task", "name", "content", "what", "remedy"),
    [
        pytest.param(
            *(CLASSES, "a.csv", GOOD.replace("text,label", "body,rating")),
            *("a.csv: no column 'label'; the columns are 'body', 'rating'", "Name it: --label-column."),
            id="wrong column",
        ),
        pytest.param(
            *(TAGS, "a.conll", NER + "w5 O\nw6\nw7 O\n"),
            *("a.conll:20: the word 'w6' has no tag: 1 column where the first word has 2", "Every line is a word and"),
            id="missing tag",
        ),
        pytest.param(
            *(TAGS, "a.conll", NER.replace(" ", "\t") + "w5\tO\nw6\t\nw7\tO\n"),
            *("a.conll:20: the word 'w6' has no tag: 1 column where the first word has 2", "Every line is a word and"),
            id="missing tag behind a tab",
        ),
        pytest.param(
            *(TAGS, "a.conll", "w6\n" + NER),
            *("a.conll:1: the word 'w6' has no tag: its line has one column", "Every line is a word and its columns"),
            id="missing tag of the first word",
        ),
        pytest.param(
            *(TAGS, "a.conll", NER + "w5 O\nw6 PER\n"),
            *("a.conll:19: the tag 'PER' of word 2, 'w6', has no prefix, and others have", "Write B- where an entity"),
            id="tag without a prefix",
        ),
        pytest.param(
            *(TAGS, "a.jsonl", "\n".join(map(json.dumps, NER_ROWS))),
            *("a.jsonl:2: the tag 'PER' of word 1, 'w3', has no prefix, and others have", "Write B- where an entity"),
            id="tag without a prefix in a list",
        ),
        pytest.param(
            *(TAGS, "a.parquet", {"tokens": [["w1", "w2"]] * 9, "ner_tags": [[0, 1]] * 9}),
            *("a.parquet:1: 'ner_tags'[0] is 0, not the name of a tag", "Write tags by name (B-PER, I-PER, O)"),
            id="tags by number",
        ),
        pytest.param(
            *(ANSWERS, "a.json", squad(3, 3, 4)),
            "a.json: data[0].paragraphs[0].qas[2].answers[0]: the context does not read 'w2' at character 4 (question "
            "'q2')",
            "Correct them (starts count characters from 0, not bytes), or leave them out with --bad-answers drop.",
            id="answer that does not match",
        ),
        pytest.param(
            *(ANSWERS, "a.json", squad(3, 0, 1, 2, 4)),
            "a.json: 4 answers of 4 questions do not match their context: a.json: data[0].paragraphs[0].qas[1]"
            ".answers[0]: the context does not read 'w2' at character 0 (question 'q1'); ",
            "Correct them (starts count characters from 0, not bytes), or leave them out with --bad-answers drop.",
            id="answers that do not match",
        ),
        pytest.param(
            *(CLASSES, "a.csv", lines(*"aaaaaa")),
            *("a.csv: only the label 'a' in all examples: nothing to tell apart", "Add examples that differ in it."),
            id="one class",
        ),
        pytest.param(
            *(CLASSES, "a.csv", lines(*[1.5] * 6)),
            *("a.csv: only the number 1.5 in all examples: nothing to tell apart", "Add examples that differ in it."),
            id="one number",
        ),
        pytest.param(
            *(TAGS, "a.conll", "w1 O\n\nw2 O\n"),
            *("a.conll: only the label 'O' in all examples: nothing to tell apart", "Add examples that differ in it."),
            id="no entity",
        ),
        pytest.param(
            *(CLASSES, "a.csv", ""),
            *("a.csv: empty, not even a header line", "The first line names the columns, e.g. text."),
            id="empty file",
        ),
        pytest.param(
            *(CLASSES, "a.csv", "text,label\n", "a.csv: no example in it", "Check the file."), id="header alone"
        ),
        pytest.param(*(CLASSES, "a.jsonl", "", "a.jsonl: no example in it", "Check the file."), id="empty jsonl"),
        pytest.param(*(TAGS, "a.conll", "\n", "a.conll: no example in it", "Check the file."), id="empty conll"),
        pytest.param(
            *(ANSWERS, "a.json", ""),
            *("a.json:1: not valid JSON at column 1: Expecting value", "A .json file of rows is a list"),
            id="empty squad",
        ),
        pytest.param(
            *(CLASSES, "a.csv", lines(*"abcdefghij")),
            "a.csv: each label is that of one text: none can be held out",
            "Add examples, or give others to measure on with --eval.",
            id="ten rows, ten classes",
        ),
        pytest.param(
            *(CLASSES, "a.csv", "text,label\nw1,a\nw1,b\n"),
            "a.csv: 1 different text in 2 examples: none can be held out",
            "Add examples, or give others to measure on with --eval.",
            id="one text",
        ),
        pytest.param(
            *(CLASSES, "a.csv", lines("a", "b", "NaN", "b")),
            *("a.csv:4: the field 'label' is 'NaN', no label", "Give the row a label, or leave it out."),
            id="nan among names",
        ),
        pytest.param(
            *(CLASSES, "a.csv", lines(0, 1, "nan", 1)),
            *("a.csv:4: the field 'label' is 'nan', no label", "Give the row a label, or leave it out."),
            id="nan among whole numbers",
        ),
        pytest.param(
            *(CLASSES, "a.csv", lines(0.5, 1.5, "nan", 2.5)),
            *(
                "a.csv:4: the field 'label' is 'nan', not a finite number",
                "Write a number such as 3.5, or leave the row",
            ),
            id="nan among numbers",
        ),
        pytest.param(
            *(CLASSES, "a.jsonl", '{"text": "w1", "label": 0.5}\n{"text": "w2", "label": NaN}\n'),
            *("a.jsonl:2: not valid JSON: NaN is not a JSON number", 'Write each row as one line like {"text": "…"}.'),
            id="nan in json",
        ),
        pytest.param(
            *(CLASSES, "a.csv", GOOD + "w5,\n"),
            *("a.csv:22: the field 'label' is an empty label", "Give the row a label, or leave it out."),
            id="missing label",
        ),
        pytest.param(
            *(CLASSES, "a.jsonl", '{"text": "w1", "label": "a"}\n{"text": "w2"}\n'),
            *("a.jsonl:2: no label: the field 'label' is empty", "Give the row a label, or leave it out."),
            id="missing label in json",
        ),
        pytest.param(
            *(CLASSES, "a.csv", GOOD.encode() + b"caf\xe9,a\n"),
            *("a.csv:22: not valid UTF-8 (byte 0xe9 at byte 4 of the line)", "Convert the file to UTF-8."),
            id="a byte of Latin-1",
        ),
        pytest.param(
            *(CLASSES, "a.csv", b"t\xe9xt,label\nw1,a\n"),
            *("a.csv:1: not valid UTF-8 (byte 0xe9 at byte 2 of the line)", "Convert the file to UTF-8."),
            id="a byte of Latin-1 in the header",
        ),
        pytest.param(
            *(CLASSES, "a.csv", GOOD + "w5\n"),
            *("a.csv:22: 1 fields where the file has 2 columns", "Correct the input."),
            id="short row",
        ),
        pytest.param(
            *(CLASSES, "a.parquet", {"text": list(range(9)), "label": list("ab") * 4 + ["a"]}),
            *("a.parquet:1: the field 'text' is 0, not text", "Write 'text' as a string."),
            id="numbers for texts",
        ),
        pytest.param(
            *(CLASSES, "a.parquet", {"text": ["w1", "w2"], "label": [{"x": 1}, {"x": 2}]}),
            *("a.parquet:1: the field 'label' is {'x': 1}, not a label", "Write a label as a string."),
            id="objects for labels",
        ),
        pytest.param(
            *(CLASSES, "a.parquet", {"text": ["w1", "w2"], "label": [0.5, float("nan")]}),
            *("a.parquet:2: the field 'label' is nan, not a finite number", "Write a number such as 3.5"),
            id="nan in Parquet",
        ),
        pytest.param(
            *(CLASSES, "a.parquet", "text,label\n"),
            *("a.parquet: not a Parquet file, or damaged: ", "Check the file."),
            id="no Parquet",
        ),
    ],
)
def test_bad_examples(
    task: str, name: str, content: Content, what: str, remedy: str, refusal: Callable[..., tuple[str, str]]
) -> None:
    said, done = refusal(task, name, content)
    assert said.startswith(what)
    assert done.startswith(remedy)


def test_a_label_of_the_eval_file_alone(refusal: Callable[..., tuple[str, str]]) -> None:
    what, remedy = refusal(CLASSES, "a.csv", GOOD, held_out="text,label\nw1,a\nw2,c\n")
    assert what == "eval.csv:3: the label 'c' is in no example of a.csv"
    assert remedy == "Correct it, leave the row out, or learn from examples of it; there are a, b."
    what, _ = refusal(TAGS, "a.conll", NER, held_out="w1 B-ORG\nw2 O\n")
    assert what == "eval.conll:1: the label 'B-ORG' is in no example of a.conll (did you mean 'B-PER'?)"


def test_numbers_as_classes(refusal: Callable[..., tuple[str, str]]) -> None:
    numbers = lines(*[number / 7 for number in range(1, 14)])
    what, remedy = refusal(CLASSES, "a.csv", numbers, "--problem", "single-label")
    assert what == "a.csv: 13 labels in 13 examples, all of them numbers"
    assert remedy.startswith("To learn the number, say --problem regression")


@pytest.mark.parametrize(
    ("task", "name", "content", "options", "what"),
    [
        (CLASSES, "a.csv", GOOD, ("--text-column", "txt"), "a.csv:1: no column 'txt' (did you mean 'text'?); the col"),
        (TAGS, "a.conll", NER, ("--label-column", "3"), "a.conll: no column '3' for 'label'; the columns are 1 to 2"),
        (TAGS, "a.conll", NER, ("--tokens-column", "1"), "a.conll: a CoNLL file has no field 'tokens'"),
        (CLASSES, "a.csv", GOOD, ("--choices-column", "x"), "text-classification has no field 'choices'"),
        (CLASSES, "a.csv", GOOD, ("--bad-answers", "keep"), "Invalid value for '--bad-answers'"),
        (CLASSES, "a.csv", GOOD, ("--bad-answers", "drop"), "text-classification has no answers to drop"),
    ],
)
def test_bad_options(
    task: str,
    name: str,
    content: str,
    options: tuple[str, ...],
    what: str,
    refusal: Callable[..., tuple[str, str]],
) -> None:
    said, _ = refusal(task, name, content, *options)
    assert said.startswith(what)


def test_what_is_odd_and_can_be_learnt_from(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Ten rows; ids that come twice, which nothing hangs on; answers that do not match, dropped as asked."""
    monkeypatch.chdir(tmp_path)
    ten = "id,text,label\n" + "".join(f"{number // 2},w{number},{'ab'[number % 2]}\n" for number in range(10))
    write(Path("ten.csv"), ten)
    write(Path("a.json"), squad(*[3] * 8, 0, 1))
    write(Path("eval.json"), squad(3, 3))
    short = ("-m", str(model), "--set", "train.epochs=0.1", "--json")
    assert main(["finetune", "--task", CLASSES, "--train", "ten.csv", "-o", "ten", *short]) == 0
    assert "8 examples to learn from, 2 to measure on" in capsys.readouterr().err
    files = ("--train", "a.json", "--eval", "eval.json", "-o", "answers")
    assert main(["finetune", "--task", ANSWERS, *files, *short, "--bad-answers", "drop"]) == 0
    err = capsys.readouterr().err
    assert re.search(r"a\.json: dropped 2 answers of 2 questions, .*, and 2 questions that had no other: .*'q8'", err)
    assert "8 examples to learn from, 2 to measure on" in err
    write(Path("said.json"), json.dumps({f"q{number}": "w2" for number in range(10)}))
    scored = ("evaluate", "--task", ANSWERS, "--data", "a.json", "--predictions", "said.json")
    assert main([*scored, "--bad-answers", "drop", "--json"]) == 0
    out, err = capsys.readouterr()
    assert json.loads(out)["metrics"]["exact_match"] == 100
    assert "dropped 2 answers of 2 questions" in err
    assert main([*scored]) == 2
    assert "2 answers of 2 questions do not match their context" in capsys.readouterr().err
