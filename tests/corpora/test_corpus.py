from __future__ import annotations

import gzip
import io
import sys
from pathlib import Path

import pytest

from bertkit.corpora.corpus import read_corpus
from bertkit.errors import InputError, UserError

DOC = '<doc id="12" url="http://x" title="A <b>">\nA <b>\n\nSome text.\n</doc>\n<doc id="13">\nMore.\n</doc>\n'


def written(folder: Path, name: str, content: str | bytes) -> str:
    path = folder / name
    raw = content.encode() if isinstance(content, str) else content
    path.write_bytes(gzip.compress(raw) if name.endswith(".gz") else raw)
    return str(path)


def test_lines_of_several_files_gzip_or_not(tmp_path: Path) -> None:
    files = [written(tmp_path, "a.txt", "one\r\n\ntwo"), written(tmp_path, "b.gz", "three\n")]
    assert list(read_corpus(files)) == ["one", "", "two", "three"]


def test_documents_without_their_tags(tmp_path: Path) -> None:
    files = [written(tmp_path, "a.txt.gz", DOC), written(tmp_path, "b.txt", "plain\n</doc>\n")]
    assert list(read_corpus(files)) == ["A <b>", "", "Some text.", "More.", "plain", "</doc>"]
    assert list(read_corpus(files, format="doc"))[-1] == "plain"
    assert next(iter(read_corpus(files, format="lines"))).startswith("<doc id")


def test_a_field_of_json_lines(tmp_path: Path) -> None:
    rows = '{"text": "one\\ntwo", "body": "x"}\n\n{"text": "three", "body": "y"}\n'
    files = [written(tmp_path, "a.jsonl.gz", rows)]
    assert list(read_corpus(files)) == ["one\ntwo", "three"]
    assert list(read_corpus(files, text_column="body")) == ["x", "y"]
    assert list(read_corpus([written(tmp_path, "a.txt", rows)], format="jsonl")) == ["one\ntwo", "three"]


def test_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BufferedReader(io.BytesIO(b"piped\n"))))
    assert list(read_corpus(["-"])) == ["piped"]


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("a.txt", b"fine\n\xff\n", "a.txt:2: not valid UTF-8 (byte 0xff at byte 1 of the line)"),
        ("a.txt", b"a\0b\n", "a.txt:1: contains a NUL character"),
        ("a.jsonl", b'{"text": "a"}\n{"test": "b"}\n', "a.jsonl:2: no field 'text'"),
        ("a.jsonl", b'{"text": 3}\n', "a.jsonl:1: the field 'text' is not text"),
        ("a.jsonl", b"{\n", "a.jsonl:1: not valid JSON"),
    ],
)
def test_a_bad_line_is_named(name: str, content: bytes, says: str, tmp_path: Path) -> None:
    with pytest.raises(InputError) as caught:
        list(read_corpus([written(tmp_path, name, content)]))
    assert says in str(caught.value)
    assert "--on-error" not in caught.value.remedy


def test_files_that_are_not_there_are_named_before_reading(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file"):
        read_corpus([written(tmp_path, "a.txt", "a"), str(tmp_path / "nowhere.txt")])
    with pytest.raises(InputError, match="is a folder"):
        read_corpus([str(tmp_path)])


def test_damaged_gzip(tmp_path: Path) -> None:
    path = tmp_path / "a.gz"
    path.write_bytes(gzip.compress(b"a line\n" * 1000)[:-20])
    with pytest.raises(InputError, match="the gzip data is damaged"):
        list(read_corpus([str(path)]))


def test_an_unknown_format(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"unknown format 'docs' .did you mean 'doc'"):
        read_corpus([], format="docs")
