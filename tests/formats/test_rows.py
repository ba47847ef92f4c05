from __future__ import annotations

import gzip
import io
import sys
import tracemalloc
from pathlib import Path

import pytest

from bertkit.errors import InputError, UserError
from bertkit.formats.rows import Row, read_rows


def write(folder: Path, name: str, text: str) -> str:
    path = folder / name
    path.write_bytes(gzip.compress(text.encode()) if name.endswith(".gz") else text.encode())
    return str(path)


CONTENTS = {
    ".txt": "one\ntwo\n",
    ".jsonl": '{"text": "one"}\n{"text": "two"}\n',
    ".ndjson": '{"text": "one"}\n{"text": "two"}\n',
    ".csv": "text\none\ntwo\n",
    ".tsv": "text\none\ntwo\n",
}


@pytest.mark.parametrize("gz", ["", ".gz"])
@pytest.mark.parametrize("ending", list(CONTENTS))
def test_the_ending_chooses_the_format(tmp_path: Path, ending: str, gz: str) -> None:
    path = write(tmp_path, "rows" + ending + gz, CONTENTS[ending])
    rows = list(read_rows(path))
    assert [row.fields for row in rows] == [{"text": "one"}, {"text": "two"}]
    first = 2 if ending in (".csv", ".tsv") else 1
    assert [row.place for row in rows] == [f"{path}:{first}", f"{path}:{first + 1}"]


def test_endings_in_capitals_are_known(tmp_path: Path) -> None:
    assert len(list(read_rows(write(tmp_path, "ROWS.CSV", CONTENTS[".csv"])))) == 2


def test_a_format_that_is_named_wins_over_the_ending(tmp_path: Path) -> None:
    path = write(tmp_path, "rows.txt", CONTENTS[".jsonl"])
    assert next(read_rows(path, format="jsonl")).fields == {"text": "one"}


def test_an_empty_line_is_a_row_of_its_own(tmp_path: Path) -> None:
    rows = read_rows(write(tmp_path, "a.txt", "one\n\n  \nfour\n"))
    assert [row.fields["text"] for row in rows] == ["one", "", "  ", "four"]


@pytest.mark.parametrize("name", ["rows.log", "rows", "rows.gz"])
def test_an_unknown_ending_asks_for_the_format_at_once(tmp_path: Path, name: str) -> None:
    with pytest.raises(UserError, match="the ending does not say a format that a file of rows is read from") as caught:
        read_rows(write(tmp_path, name, "x\n"))
    assert "--format lines|fasttext|jsonl|json|csv|tsv|parquet" in caught.value.remedy


def test_an_unknown_format_names_the_near_one() -> None:
    with pytest.raises(UserError, match=r"not read from format 'josnl' \(did you mean 'jsonl'\?\)"):
        read_rows("-", format="josnl")


def test_a_missing_file_is_told_before_the_first_row_is_taken(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file"):
        read_rows(str(tmp_path / "gone.txt"))


def test_plain_lines_have_no_columns(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="plain lines have no columns"):
        read_rows(write(tmp_path, "a.txt", "x\n"), columns={"text": "review"})


def test_standard_input_is_lines_unless_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def pipe(text: str) -> None:
        reader = io.BufferedReader(io.BytesIO(text.encode()))  # type: ignore[arg-type]
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(reader))

    pipe('{"text": "one"}\n')
    assert list(read_rows("-")) == [Row({"text": '{"text": "one"}'}, "stdin:1")]
    pipe('{"text": "one"}\n')
    assert list(read_rows("-", format="jsonl")) == [Row({"text": "one"}, "stdin:1")]


def test_columns_fill_fields_and_the_others_stay(tmp_path: Path) -> None:
    path = write(tmp_path, "a.jsonl", '{"review": "good", "text": "old", "stars": 5}\n')
    (row,) = read_rows(path, columns={"text": "review"})
    assert row.fields == {"review": "good", "text": "good", "stars": 5}


def test_two_columns_can_change_places(tmp_path: Path) -> None:
    path = write(tmp_path, "a.jsonl", '{"text": "a", "text_pair": "b"}\n')
    (row,) = read_rows(path, columns={"text": "text_pair", "text_pair": "text"})
    assert row.fields == {"text": "b", "text_pair": "a"}


def test_a_jsonl_row_without_the_column_lists_those_it_has(tmp_path: Path) -> None:
    path = write(tmp_path, "a.jsonl", '{"review": "x"}\n{"reviw": "y", "stars": 1}\n')
    with pytest.raises(InputError) as caught:
        list(read_rows(path, columns={"text": "review"}))
    assert str(caught.value) == (
        f"{path}:2: no column 'review' (did you mean 'reviw'?); the columns are 'reviw', 'stars'"
    )
    assert caught.value.remedy == "Name one of them with --text-column."


@pytest.mark.parametrize(
    ("name", "text", "bad"),
    [
        ("a.txt", "one\nt\0wo\nthree\n", ":2"),
        ("a.jsonl", '{"text": "one"}\n{"text"\n{"text": "three"}\n', ":2"),
        ("a.csv", "text\none\ntoo,many\nthree\n", ":3"),
        ("a.tsv", "text\none\ntoo\tmany\nthree\n", ":3"),
    ],
)
def test_a_bad_row_stops_or_is_told_and_passed_over(tmp_path: Path, name: str, text: str, bad: str) -> None:
    path = write(tmp_path, name, text)
    with pytest.raises(InputError, match=name + bad):
        list(read_rows(path))
    told: list[InputError] = []
    rows = list(read_rows(path, on_bad_row=told.append))
    assert [row.fields["text"] for row in rows] == ["one", "three"]
    assert [str(error).startswith(path + bad) for error in told] == [True]


def test_memory_does_not_grow_with_the_file(tmp_path: Path) -> None:
    path = write(tmp_path, "a.jsonl.gz", '{"text": "' + "word " * 200 + '"}\n')
    content = gzip.decompress(Path(path).read_bytes()) * 10_000  # 10 MB
    Path(path).write_bytes(gzip.compress(content, 1))
    del content
    tracemalloc.start()
    count = sum(1 for _ in read_rows(path))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert count == 10_000
    assert peak < 1_000_000
