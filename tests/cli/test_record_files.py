from __future__ import annotations

import csv
import gzip
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from bertkit.cli.record_files import form_of, open_records, spread
from bertkit.errors import OutputError, UserError
from bertkit.formats.rows import read_rows

Run = Callable[..., tuple[int, str, str]]
LABELS = [{"label": "a, b", "score": 0.75}, {"label": "c", "score": 0.25}]
FAILED = {"id": "2", "error": {"message": "no text", "type": "InputError"}}


def written(path: Path, *records: dict[str, object], with_errors: bool = False) -> list[dict[str, object]]:
    with open_records(str(path), with_errors=with_errors, keeps=False) as file:
        for number, record in enumerate(records, 1):
            file.write(record, f"row {number}")
    return [dict(row.fields) for row in read_rows(str(path))]


@pytest.mark.parametrize(
    ("path", "form"),
    [("a.csv", "csv"), ("A.TSV.GZ", "tsv"), ("a.parquet", "parquet"), ("a.npy", "npy"), ("a.jsonl", None), ("a", None)],
)
def test_the_ending_says_the_form(path: str, form: str | None) -> None:
    assert form_of(path) == form


@pytest.mark.parametrize("path", ["a.npy.gz", "a.parquet.gz"])
def test_binary_forms_are_not_compressed_as_a_whole(path: str) -> None:
    with pytest.raises(UserError, match="is not compressed as a whole"):
        form_of(path)


def test_a_table_begins_with_the_best_answer() -> None:
    assert spread({"id": 1, "labels": LABELS, "dtype": "float32"}) == {
        "id": 1,
        "label": "a, b",
        "score": 0.75,
        "labels": LABELS,
        "dtype": "float32",
    }
    assert spread({"answers": []}) == {"answers": []}
    assert spread({"label": "kept", "labels": LABELS})["label"] == "kept"


@pytest.mark.parametrize("name", ["a.csv", "a.tsv", "a.csv.gz"])
def test_what_is_written_is_read_back(tmp_path: Path, name: str) -> None:
    records = [
        {"id": "1", "labels": LABELS, "input_tokens": 3, "truncated": False},
        {"id": 'a "b"\tc\nd', "labels": LABELS[:1], "input_tokens": 3, "truncated": True},
    ]
    first, second = written(tmp_path / name, *records)  # type: ignore[arg-type]
    assert (first["label"], first["score"], first["input_tokens"], first["truncated"]) == ("a, b", "0.75", "3", "false")
    assert json.loads(str(first["labels"])) == LABELS
    assert second["id"] == 'a "b"\tc\nd'


def test_errors_have_a_column_also_before_the_first_answer(tmp_path: Path) -> None:
    answer = {"id": "1", "value": 0.5}
    rows = written(tmp_path / "a.csv", FAILED, answer, FAILED, with_errors=True)
    assert rows == [
        {"id": "2", "value": "", "error": "no text"},
        {"id": "1", "value": "0.5", "error": ""},
        {"id": "2", "value": "", "error": "no text"},
    ]
    assert written(tmp_path / "b.csv", FAILED, FAILED, with_errors=True) == [{"id": "2", "error": "no text"}] * 2


def test_no_rows_make_an_empty_file(tmp_path: Path) -> None:
    with open_records(str(tmp_path / "a.csv"), with_errors=False, keeps=False):
        pass
    assert (tmp_path / "a.csv").read_text() == ""


def test_a_field_that_the_first_record_had_not_is_refused_and_leaves_no_file(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="a record has 'id', and the first one had not"):
        written(tmp_path / "a.csv", {"value": 1.0}, {"id": 3, "value": 1.0})
    assert list(tmp_path.iterdir()) == []


def test_predict_writes_a_table(run: Run, tmp_path: Path) -> None:
    texts, out = tmp_path / "a.csv", tmp_path / "said.csv.gz"
    texts.write_text("id;sentence\n7;Ada\n8;Eve\n")
    code, printed, err = run(
        "predict", "-i", str(texts), "--task", "text-classification", "-o", str(out), "--keep", "sentence"
    )
    assert (code, printed, err) == (0, "", f"{texts}: its fields stand between ';'\n")
    with gzip.open(out, "rt") as file:
        rows = list(csv.DictReader(file))
    assert [(row["id"], row["sentence"], row["label"], row["score"]) for row in rows] == [
        ("7", "Ada", "positive", "0.75"),
        ("8", "Eve", "positive", "0.75"),
    ]


def test_nan_is_no_answer_in_any_form(run: Run, tmp_path: Path) -> None:
    for ending in ("csv", "parquet", "npy", "jsonl"):
        out = tmp_path / f"a.{ending}"
        code, _, err = run("predict", "nan", "-o", str(out))
        assert (code, out.exists()) == (1, False)
        assert "NaN or infinity" in err


def test_folders_and_patterns_are_read_as_one(run: Run, tmp_path: Path) -> None:
    for name, text in (("a.txt", "one\ntwo\n"), ("b.jsonl", '{"text": "three"}\n'), ("c.csv", "text\nfour\n")):
        (tmp_path / name).write_text(text)
    for given in ([str(tmp_path)], [str(tmp_path / "*.*")], [str(tmp_path / "a.txt"), str(tmp_path / "[bc].*")]):
        code, out, _ = run("predict", *(part for one in given for part in ("-i", one)), "--json")
        assert (code, [json.loads(line)["embedding"][0] for line in out.splitlines()]) == (0, [3.0, 3.0, 5.0, 4.0])
