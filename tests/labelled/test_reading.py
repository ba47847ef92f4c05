from __future__ import annotations

import gzip
import io
import json
import os
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from bertkit.errors import InputError, UserError
from bertkit.formats.rows import Row
from bertkit.labelled.examples import Example, References, Tagged
from bertkit.labelled.label_set import collect_labels
from bertkit.labelled.reading import (
    is_labelled,
    own_columns,
    read_examples,
    sniff_problem,
)
from tests.labelled.example_files import as_jsonl, written

CLASSES = "text-classification"
TAGS = "token-classification"
PAIRS = "sentence-embedding"


def targets(path: str | Path, task: str = CLASSES, **options: object) -> list[object]:
    return [example.target for example in read_examples(str(path), task, **options)]  # type: ignore[arg-type]


CONTENTS = {
    ".csv": 'text,label\n"a, b",x\nc,y\n',
    ".tsv": "text\tlabel\na, b\tx\nc\ty\n",
    ".jsonl": as_jsonl({"text": "a, b", "label": "x"}, {"text": "c", "label": "y"}),
}


@pytest.mark.parametrize("gz", ["", ".gz"])
@pytest.mark.parametrize("ending", CONTENTS)
def test_the_ending_chooses_the_format(tmp_path: Path, ending: str, gz: str) -> None:
    content = CONTENTS[ending].encode()
    path = written(tmp_path, f"a{ending}{gz}", gzip.compress(content) if gz else content)
    found = list(read_examples(path, CLASSES))
    assert [(example.row.fields["text"], example.target) for example in found] == [("a, b", "x"), ("c", "y")]
    assert found[0].row.place == f"{path}:{1 if ending == '.jsonl' else 2}"
    assert targets(written(tmp_path, "b.data", content), format=ending[1:]) == ["x", "y"]


def test_parquet_keeps_types(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    pq.write_table(pa.table({"text": ["a", "b"], "labels": [["x"], []]}), path)
    assert targets(path) == [("x",), ()]
    pq.write_table(pa.table({"tokens": [["a", "b"]], "ner_tags": [["O", "B-X"]]}), path)
    assert targets(path, TAGS) == [Tagged(((0, 1), (2, 3)), ("O", "B-X"))]
    named = {"label": {"_type": "ClassLabel", "names": ["O", "B-X"]}}
    schema = {"huggingface": f'{{"info": {{"features": {json.dumps(named | {"ner_tags": [named["label"]]})}}}}}'}
    table = pa.table({"tokens": [["a", "b"]], "text": ["a"], "ner_tags": [[0, 1]], "label": [1]})
    pq.write_table(table.replace_schema_metadata(schema), path)
    assert targets(path) == ["B-X"]
    assert targets(path, columns={"label": "label"}) == ["B-X"]
    pq.write_table(table.drop_columns("label").replace_schema_metadata(schema), path)
    assert targets(path, TAGS) == [Tagged(((0, 1), (2, 3)), ("O", "B-X"))]
    pq.write_table(
        pa.table({"question": ["q"], "context": ["abc"], "answers": [{"text": ["b"], "answer_start": [1]}]}), path
    )
    assert targets(path, "question-answering") == [References(("b",), (1,))]
    pq.write_table(pa.table({"text": ["a", None], "label": [1, 0]}), path)
    with pytest.raises(InputError, match=r"a.parquet:2: the field 'text' is empty"):
        targets(path)


def test_the_same_ending_means_what_the_task_reads(tmp_path: Path) -> None:
    path = written(tmp_path, "a.txt", "Ada B-PER\n\nslept O\n")
    assert targets(path, TAGS) == [Tagged(((0, 3),), ("B-PER",)), Tagged(((0, 5),), ("O",))]
    found = list(read_examples(path, "fill-mask"))
    assert [example.row for example in found] == [
        Row({"text": "Ada B-PER"}, f"{path}:1"),
        Row({"text": "slept O"}, f"{path}:3"),
    ]
    for ending in ("conll", "iob", "IOB2", "bio.gz", "conllu"):
        assert len(targets(written(tmp_path, f"a.{ending}", "Ada B-PER\n"), TAGS)) == 1


def test_squad_files_are_read_by_their_own_reader(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def read_squad(path: str, dropped: None) -> Iterator[Example]:
        yield Example(Row({"question": "q", "context": "abc"}, path), References(("b",), (1,)), "q1")

    monkeypatch.setattr("bertkit.labelled.answer_rows.read_squad", read_squad)
    path = written(tmp_path, "a.json", '{"data": [{"paragraphs": []}]}')
    assert targets(path, "question-answering") == [References(("b",), (1,))]
    with pytest.raises(UserError, match=r"a.json: a SQuAD file has no columns"):
        read_examples(path, "question-answering", columns={"answer": "a"})


@pytest.mark.parametrize(
    ("name", "task", "options", "told"),
    [
        ("a.csv", "text-clasification", {}, "no labelled examples .* (did you mean 'text-classification'?)"),
        ("a.csv", "next-sentence-prediction", {}, "no labelled examples can be read for 'next-sentence-prediction'"),
        ("a.conll", CLASSES, {}, "the ending does not say a format that text-classification is read from"),
        ("a.xml", CLASSES, {}, "the ending does not say a format"),
        ("a", TAGS, {}, "the ending does not say a format"),
        ("a.csv", CLASSES, {"format": "conll"}, "text-classification is not read from format 'conll'"),
        ("a.csv", TAGS, {"format": "conl"}, "not read from format 'conl' (did you mean 'conll'?)"),
        ("-", TAGS, {}, "stdin: the format is not known"),
        ("a.csv", CLASSES, {"problem": "multilabel"}, "unknown problem 'multilabel' (did you mean 'multi-label'?)"),
        ("a.csv", PAIRS, {"problem": "regression"}, "sentence-embedding has no problem to choose"),
        ("a.csv", CLASSES, {"columns": {"txet": "a"}}, "no field 'txet' (did you mean 'text'?)"),
        ("gone.csv", CLASSES, {"problem": "single-label"}, "gone.csv: no such file"),
    ],
)
def test_wrong_use_is_told_before_the_first_example(
    tmp_path: Path, name: str, task: str, options: dict[str, str], told: str
) -> None:
    if name not in ("-", "gone.csv"):
        written(tmp_path, name, "text,label\na,x\n")
    path = name if name == "-" else str(tmp_path / name)
    with pytest.raises(UserError) as caught:
        read_examples(path, task, **options)  # type: ignore[arg-type]
    assert all(part in str(caught.value) for part in told.split(" .* "))
    assert caught.value.remedy


@pytest.mark.parametrize(
    ("name", "task", "content"),
    [
        ("a.csv", CLASSES, "text,label\n"),
        ("a.jsonl", PAIRS, ""),
        ("a.conll", TAGS, "\n"),
        ("a.txt", "fill-mask", "\n \n"),
    ],
)
def test_a_file_without_an_example_is_refused(tmp_path: Path, name: str, task: str, content: str) -> None:
    with pytest.raises(InputError, match=f"{name}: no example in it"):
        targets(written(tmp_path, name, content), task)
    if task == CLASSES:
        with pytest.raises(InputError, match=f"{name}: no example in it"):
            targets(tmp_path / name, problem="regression")


def test_a_ranking_file_without_an_example_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"a.jsonl: no example in it"):
        targets(written(tmp_path, "a.jsonl", ""), "text-ranking")


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("a.csv", b"text,label,text\na,x,b\n", ":1: the header names the column 'text' twice"),
        ("a.csv", b"text,label\na,x\nb\n", ":3: 1 fields where the file has 2 columns"),
        ("a.csv", b"text,label\na,x\nb\0,y\n", ":3: contains a NUL character"),
        ("a.tsv", b"text\tlabel\na\tx\n\xff\ty\n", ":3: not valid UTF-8 (byte 0xff at byte 1 of the line)"),
        (
            "a.jsonl",
            b'{"text": "a", "label": "x"}\n{"text"\n',
            ":2: not valid JSON at column 8: Expecting ':' delimiter",
        ),
        ("a.tsv", b"text\tlabel\na\tx\nb\t\n", ":3: the field 'label' is an empty label"),
        ("a.tsv", b"text\tlabel\na\tx\n\ty\n", ":3: the field 'text' is empty"),
        ("a.csv", b"", ": empty, not even a header line"),
    ],
)
def test_a_bad_row_ends_the_reading(tmp_path: Path, name: str, content: bytes, told: str) -> None:
    path = written(tmp_path, name, content)
    for problem in (None, "single-label"):
        with pytest.raises(InputError) as caught:
            targets(path, problem=problem)
        assert str(caught.value) == path + told
        assert "--on-error" not in caught.value.remedy


def test_a_column_that_a_row_lacks_is_told_with_the_option(tmp_path: Path) -> None:
    path = written(tmp_path, "a.jsonl", as_jsonl({"body": "a", "label": "x"}, {"label": "y"}))
    with pytest.raises(InputError, match=r"a.jsonl:2: no column 'body'") as caught:
        list(read_examples(path, CLASSES, columns={"text": "body"}))
    assert caught.value.remedy == "Name one of them with --text-column."


def test_the_problem_is_told_from_the_labels(tmp_path: Path) -> None:
    path = written(tmp_path, "a.csv", "text,score\na,1\nb,2.5\n")
    assert sniff_problem(path, "text-classification") == "regression"
    assert targets(path) == [1.0, 2.5]
    assert targets(path, problem="single-label") == ["1", "2.5"]
    path = written(tmp_path, "a.csv", "text,label\na,1\nb,2\n")
    assert sniff_problem(path, "text-classification") == "single-label"
    assert targets(path, problem="multi-label") == [("1",), ("2",)]


def test_a_stream_cannot_be_read_twice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for path in ("-", str(tmp_path / "pipe")):
        if path != "-":
            os.mkfifo(path)
        with pytest.raises(UserError, match="can be read only once") as caught:
            read_examples(path, CLASSES, format="csv")
        assert caught.value.remedy == "Say --problem single-label|multi-label|regression."
    reader = io.BufferedReader(io.BytesIO(b"text,label\na,x\n"))  # type: ignore[arg-type]
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(reader))
    (example,) = read_examples("-", CLASSES, format="csv", problem="single-label")
    assert (example.target, example.row.place) == ("x", "stdin:2")


def test_examples_stream(tmp_path: Path) -> None:
    path = written(tmp_path, "a.csv", "text,label\na,x\nb,\n")
    stream = read_examples(path, CLASSES)
    assert next(stream).target == "x"
    with pytest.raises(InputError, match=":3: "):
        next(stream)


COLA = {"text": "4", "label": "2"}
EMOTIONS = {"text": "1", "label": "2", "id": "3"}


@pytest.mark.data
@pytest.mark.parametrize(
    ("file", "count", "labels"),
    [
        ("SST-2/train", 67349, "01"),
        ("SST-2/dev", 872, "01"),
        ("SST-2/test-labeled", 1821, "01"),
        ("RTE/train", 2490, None),
        ("RTE/dev", 277, None),
        ("CoLA/in_domain_train", 8551, "01"),
        ("CoLA/in_domain_dev", 527, "01"),
        ("CoLA/out_of_domain_dev", 516, "01"),
    ],
)
def test_glue_comes_out_whole(test_data: Path, file: str, count: int, labels: str | None) -> None:
    path = str(test_data / "glue" / f"{file}.tsv")
    found = list(read_examples(path, CLASSES, columns=COLA if "CoLA" in file else {}))
    assert len(found) == count
    assert collect_labels(example.target for example in found) == tuple(labels or ("entailment", "not_entailment"))
    assert all(("text_pair" in example.row.fields) == ("RTE" in file) for example in found)


@pytest.mark.data
@pytest.mark.parametrize(("file", "count"), [("train", 4500), ("trial", 500), ("test_annotated", 4927)])
def test_sick_has_two_things_to_learn(test_data: Path, file: str, count: int) -> None:
    path = str(test_data / "glue/SICK" / f"SICK_{file}.txt")
    with pytest.raises(InputError, match="any of the columns 'relatedness_score', 'entailment_judgment'"):
        read_examples(path, CLASSES, format="tsv")
    options = {"label": "entailment_judgment"}
    classes = list(read_examples(path, CLASSES, format="tsv", columns=options))
    assert len(classes) == count
    assert collect_labels(example.target for example in classes) == ("CONTRADICTION", "ENTAILMENT", "NEUTRAL")
    pairs = list(read_examples(path, PAIRS, format="tsv"))
    numbers = list(read_examples(path, CLASSES, format="tsv", columns={"label": "relatedness_score"}))
    assert [example.target for example in numbers] == [example.target for example in pairs]
    assert all(isinstance(example.target, float) and 1 <= example.target <= 5 for example in pairs)
    assert [example.row.fields for example in classes] == [example.row.fields for example in pairs]


@pytest.mark.data
@pytest.mark.parametrize(("file", "count"), [("train", 43410), ("dev", 5426), ("test", 5427)])
def test_goemotions_has_28_labels(test_data: Path, file: str, count: int) -> None:
    path = str(test_data / "goemotions" / f"{file}.tsv")
    found = list(read_examples(path, CLASSES, problem="multi-label", columns=EMOTIONS))
    assert len(found) == count
    assert collect_labels(example.target for example in found) == tuple(map(str, range(28)))
    assert all(example.id.startswith("e") for example in found)


@pytest.mark.data
@pytest.mark.parametrize(
    ("file", "count", "words"),
    [
        ("wnut17/wnut17train.conll", 3394, 62730),
        ("wnut17/emerging.dev.conll", 1009, 15733),
        ("wnut17/emerging.test.annotated", 1287, 23394),
        ("wikigold/wikigold.conll.txt", 1696, 39007),
        ("uner_ewt/en_ewt-ud-dev.iob2", 2001, 25149),
        ("uner_ewt/en_ewt-ud-test.iob2", 2077, 25097),
    ],
)
def test_words_and_tags_of_entity_sets_come_back(test_data: Path, file: str, count: int, words: int) -> None:
    path = test_data / "ner" / file
    found = list(read_examples(str(path), TAGS, format="conll"))
    assert len(found) == count
    numbered = "uner" in file
    expected = []  # the file's own lines, read in the plainest way
    for line in path.read_text(encoding="utf-8").split("\n"):
        columns = line.split("\t") if "\t" in line else line.split(" ")
        comment = numbered and line.startswith("# ")
        if line.strip() and not comment and not line.startswith("-DOCSTART-"):
            expected.append((columns[1], columns[2]) if numbered else (columns[0], columns[-1]))
    read = []
    for example in found:
        assert isinstance(example.target, Tagged)
        text = str(example.row.fields["text"])
        shown = [text[start:end] for start, end in example.target.words]
        assert " ".join(shown) == text
        read += list(zip(shown, example.target.tags, strict=True))
    assert read == expected
    assert len(read) == words
    assert len(Counter(example.id for example in found)) == count


@pytest.mark.data
def test_reviews_are_read_from_compressed_lines(test_data: Path) -> None:
    found = Counter(targets(test_data / "imdb/test.jsonl.gz"))
    assert found == {"0": 12500, "1": 12500}


@pytest.mark.data
def test_plain_text_is_read_for_fill_mask(test_data: Path) -> None:
    path = test_data / "wikitext2/valid.txt"
    lines = [line for line in path.read_text(encoding="utf-8").split("\n") if line.strip()]
    assert [example.row.fields["text"] for example in read_examples(str(path), "fill-mask")] == lines


def test_texts_without_labels(tmp_path: Path) -> None:
    """A column of labels is passed over; a pair is read."""
    path = tmp_path / "a.csv"
    path.write_text("text,text_pair,label\none,two,good\nthree,four,\n")
    read = list(read_examples(str(path), "feature-extraction"))
    assert [one.row.fields for one in read] == [
        {"text": "one", "text_pair": "two"},
        {"text": "three", "text_pair": "four"},
    ]
    assert [one.target for one in read] == [None, None]


@pytest.mark.parametrize(
    ("name", "content", "task", "format", "expected"),
    [
        ("a.csv", "text,label\na,b\n", CLASSES, None, True),
        ("a.csv", "sentence,Sentiment\na,b\n", CLASSES, None, True),
        ("a.csv", "text,source\na,b\n", CLASSES, None, False),
        ("a.txt", "a b\n", CLASSES, None, False),
        ("a.txt", "a O\n", TAGS, None, False),
        ("a.txt", "a O\n", TAGS, "conll", True),
        ("a.conll", "a O\n", TAGS, None, True),
        ("a.jsonl", '{"tokens": ["a"], "ner_tags": ["O"]}', TAGS, None, True),
        ("a.jsonl", '{"text": "a", "label": "b"}', TAGS, None, False),
    ],
)
def test_whether_there_are_labels(
    name: str, content: str, task: str, format: str | None, expected: bool, tmp_path: Path
) -> None:
    (tmp_path / name).write_text(content)
    assert is_labelled(str(tmp_path / name), task, format=format) is expected


@pytest.mark.parametrize(
    ("name", "content", "format", "columns", "expected"),
    [
        ("a.csv", "review,verdict\na,b\n", None, {"text": "review", "label": "verdict"}, {"text", "label"}),
        ("a.csv", "review,source\na,b\n", None, {"text": "review", "label": "verdict"}, {"text"}),
        ("a.csv", "a,b\n", None, {"text": "1", "label": "2"}, {"text", "label"}),
        ("a.txt", "a b\n", None, {"text": "review"}, set()),
        ("a.txt", "a O\n", "conll", {"tokens": "1", "label": "2"}, {"tokens", "label"}),
        ("a.iob", "a O\n", None, {"tokens": "1", "label": "2"}, {"tokens", "label"}),
        ("a.jsonl", '{"review": "a"}', None, {"text": "review", "label": "verdict"}, {"text"}),
    ],
)
def test_which_of_the_named_columns_a_file_has(
    name: str, content: str, format: str | None, columns: dict[str, str], expected: set[str], tmp_path: Path
) -> None:
    (tmp_path / name).write_text(content)
    assert own_columns(str(tmp_path / name), columns, format).keys() == expected


def test_an_empty_file_has_no_columns(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text("")
    with pytest.raises(InputError, match=r"a\.jsonl"):
        own_columns(str(tmp_path / "a.jsonl"), {"text": "review"})
