from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from bertkit.errors import BertkitError, InputError
from bertkit.retrieval import reading
from bertkit.retrieval.documents import SourceDocument
from bertkit.retrieval.reading import documents_of, format_of


def read(path: Path, text_column: str | None = None) -> list[SourceDocument]:
    def refuse(error: InputError) -> None:
        raise error

    return list(documents_of(path, text_column, refuse))


def texts(document: SourceDocument) -> list[str]:
    return [block.text.text for block in document.blocks]


def test_the_ending_says_the_format_whatever_its_case_and_gzip() -> None:
    names = ["a.TXT", "a.md", "a.htm", "a.pdf", "a.jsonl.gz", "a.csv", "a.tsv", "a.parquet", "a.py", "a"]
    formats = ["text", "markdown", "html", "pdf", "jsonl", "csv", "tsv", "parquet", None, None]
    assert [format_of(Path(name)) for name in names] == formats


def test_front_matter_is_fields_and_moves_nothing(tmp_path: Path) -> None:
    page = tmp_path / "a.md"
    page.write_text("---\nyear: 2021\ntags: [red, blue]\nday: 2021-05-04\n---\n# T\n\ntext here\n")
    (document,) = read(page)
    fields = {"file": "a.md", "format": "markdown", "year": 2021, "tags": ["red", "blue"], "day": "2021-05-04"}
    assert document.fields == fields
    (block,) = document.blocks
    assert (block.heading, block.text.text, block.text.place(0).line) == ("T", "text here", 8)
    page.write_text("---\n{no yaml: [\n---\n\ntext\n")
    assert "year" not in read(page)[0].fields


def test_gzip_and_a_mark_of_byte_order_are_undone(tmp_path: Path) -> None:
    (tmp_path / "a.txt.gz").write_bytes(gzip.compress("\ufeffwörd\n".encode()))
    assert texts(read(tmp_path / "a.txt.gz")[0]) == ["wörd"]


def test_html_has_a_title_and_the_character_set_that_it_declares(tmp_path: Path) -> None:
    page = tmp_path / "a.html"
    page.write_bytes('<meta charset="iso-8859-1"><title>Ü</title><p>naïve</p>'.encode("latin-1"))
    (document,) = read(page)
    assert (document.fields["title"], texts(document)) == ("Ü", ["naïve"])


@pytest.mark.parametrize("name", ["a.jsonl", "a.csv", "a.tsv", "a.parquet"])
def test_rows_are_documents_with_their_other_columns_as_fields(tmp_path: Path, name: str) -> None:
    rows: list[dict[str, Any]] = [
        {"text": "first", "year": 2019, "code": "007", "title": "One"},
        {"text": "second", "year": 2021, "code": "8a", "title": "Two"},
    ]
    path = tmp_path / name
    if name.endswith("jsonl"):
        path.write_text("\n".join(map(json.dumps, rows)))
    elif name.endswith("parquet"):
        import pyarrow
        import pyarrow.parquet

        pyarrow.parquet.write_table(pyarrow.Table.from_pylist(rows), path)
    else:
        glue = "," if name.endswith("csv") else "\t"
        path.write_text("\n".join(glue.join(map(str, one)) for one in [rows[0].keys(), *(r.values() for r in rows)]))
    found = read(path)
    assert [texts(one) for one in found] == [["first"], ["second"]]
    assert [one.heading for document in found for one in document.blocks] == ["One", "Two"]
    assert found[0].fields == {"file": name, "format": format_of(path), "year": 2019, "code": "007", "title": "One"}
    first = 1 if name.endswith(("jsonl", "parquet")) else 2
    assert [one.row for one in found] == [first, first + 1]


def test_a_column_that_is_not_there_is_named_and_an_empty_text_is_no_document(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text('{"body": "one"}\n{"body": null}\n')
    with pytest.raises(InputError, match=r"a\.jsonl:1: no column 'text'.*the columns are 'body'"):
        read(path)
    assert [texts(one) for one in read(path, "body")] == [["one"]]
    path.write_text('{"body": 7}\n')
    with pytest.raises(InputError, match="is not text"):
        read(path, "body")
    path.write_text('{"body": "one"}\n{"body": 7}\n{}\n{"body": "two"}\n')
    bad: list[InputError] = []
    assert [texts(one) for one in documents_of(path, "body", bad.append)] == [["one"], ["two"]]
    assert [error.what.partition(": ")[0] for error in bad] == [f"{path}:2", f"{path}:3"]


@pytest.mark.parametrize("content", [b"%PDF-1.4\rlines of old Macs\r", b"%PDF\0\1\0\2\0", b"\xff\xfebytes"])
@pytest.mark.parametrize("packed", [False, True])
def test_bytes_that_are_no_text_stay_as_they_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: bytes, packed: bool
) -> None:
    seen: list[bytes] = []

    def look(given: bytes, name: str) -> SourceDocument:
        seen.append(given)
        return SourceDocument([])

    monkeypatch.setitem(reading._WHOLE, "pdf", look)  # type: ignore[arg-type]
    path = tmp_path / ("a.pdf.gz" if packed else "a.pdf")
    path.write_bytes(gzip.compress(content) if packed else content)
    read(path)
    assert seen == [content]


def test_texts_in_other_encodings_are_read(tmp_path: Path) -> None:
    (tmp_path / "a.md").write_text("# Ü\n\nnaïve\n", encoding="utf-16")
    (block,) = read(tmp_path / "a.md")[0].blocks
    assert (block.heading, block.text.text) == ("Ü", "naïve")


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("a.txt", b"good\n\xff\n", "a.txt:2: not valid UTF-8"),
        ("a.md", b"a text with a \0 in it", "NUL"),
        ("a.txt.gz", gzip.compress(b"word " * 5_000, mtime=0)[:-9], "gzip data is damaged"),
        ("a.pdf.gz", b"\x1f\x8bcut", "gzip data is damaged"),
        ("a.jsonl", b"{", "a.jsonl:1: not valid JSON"),
        ("gone.txt", None, "no such file"),
    ],
)
def test_what_cannot_be_read_is_named(tmp_path: Path, name: str, content: bytes | None, words: str) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(BertkitError, match=words):
        read(tmp_path / name)
