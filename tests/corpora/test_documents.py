from __future__ import annotations

import gzip
import json
import tracemalloc
from pathlib import Path

import pytest

from bertkit.corpora import documents
from bertkit.corpora.documents import Document, list_sources, read_documents
from bertkit.errors import InputError, UserError

DOC = (
    '<doc id="12" url="http://x" title="A "b"">\nA "b"\n\nIt has a paragraph.\nHistory.\nIt has another one.\n</doc>\n'
    '<doc id="13" title="Q&amp;A">\nQ&A\n</doc>\n\n<doc id="14" title="Other">\nNo title here was said.\n</doc>\n'
)
BLANK = "\n\nOne.\n Two. \n\n\nThree.\n \nFour.\n"
ROWS = "".join(json.dumps({"text": text, "n": 1}) + "\n" for text in ("a\nb", "", "c")) + "\n"


def written(folder: Path, name: str, content: str | bytes) -> str:
    path = folder / name
    raw = content.encode() if isinstance(content, str) else content
    path.write_bytes(gzip.compress(raw) if name.endswith(".gz") else raw)
    return str(path)


def parquet(folder: Path, texts: list[str | None], row_group_size: int = 2) -> str:
    import pyarrow
    from pyarrow.parquet import write_table

    path = str(folder / "a.parquet")
    write_table(pyarrow.table({"n": list(range(len(texts))), "text": texts}), path, row_group_size=row_group_size)
    return path


def test_wikiextractor_documents(tmp_path: Path) -> None:
    path = written(tmp_path, "wiki_00.txt.gz", DOC)
    assert list(read_documents(path)) == [
        Document("It has a paragraph.\nIt has another one.", (), f"{path}:1", 0),
        Document("", (), f"{path}:8", 1),
        Document("No title here was said.", (), f"{path}:12", 2),
    ]


def test_googles_format(tmp_path: Path) -> None:
    path = written(tmp_path, "a.txt", BLANK)
    found = list(read_documents(path))
    assert [document.sentences for document in found] == [("One.", "Two."), ("Three.",), ("Four.",)]
    assert [document.place for document in found] == [f"{path}:{line}" for line in (3, 7, 9)]
    assert [document.text for document in found] == [None] * 3


def test_json_lines_parquet_lines_and_whole_files(tmp_path: Path) -> None:
    rows = written(tmp_path, "a.jsonl.gz", ROWS)
    assert [(d.text, d.place, d.number) for d in read_documents(rows)] == [
        ("a\nb", f"{rows}:1", 0),
        ("", f"{rows}:2", 1),
        ("c", f"{rows}:3", 2),
    ]
    table = parquet(tmp_path, ["a", "b", "c"])
    assert [(d.text, d.place) for d in read_documents(table)] == [
        ("a", f"{table}:1"),
        ("b", f"{table}:2"),
        ("c", f"{table}:3"),
    ]
    lines = written(tmp_path, "lines", "\ufeffone\r\ntwo\r\n")
    assert [document.text for document in read_documents(lines)] == ["one", "two"]
    whole = written(tmp_path, "whole.txt", "one\n\ntwo\n")
    assert [document.text for document in read_documents(whole, format="text")] == ["one\n\ntwo"]
    assert list(read_documents(written(tmp_path, "empty.txt", " \n"), format="text")) == []
    assert list(read_documents(written(tmp_path, "empty.txt", ""))) == []


@pytest.mark.parametrize("format", documents.FORMATS)
def test_going_on_from_a_document(format: str, tmp_path: Path) -> None:
    contents = {"doc": DOC, "blank-line": BLANK, "jsonl": ROWS, "lines": "a\n\nb\nc\n", "text": "a\n\nb"}
    if format == "parquet":
        path = parquet(tmp_path, ["a", "b", "c", "d", "e"])
    else:
        path = written(tmp_path, "a.gz", contents[format])
    whole = list(read_documents(path, format=format))
    assert [document.number for document in whole] == list(range(len(whole)))
    for start in range(len(whole) + 2):
        assert list(read_documents(path, format=format, start=start)) == whole[start:]


@pytest.mark.parametrize(
    ("content", "format", "says"),
    [
        (DOC.encode() + b"\xff", None, ":15: not valid UTF-8 (byte 0xff at byte 1 of the line)"),
        (DOC.encode() + b"stray", None, ":15: text outside of <doc …> and </doc>"),
        (DOC.encode()[:-8], None, ":12: the document has no </doc>: the file is cut off"),
        (DOC.encode() + b"</doc>", None, ":15: </doc> where no document is open"),
        (b'<doc id="1">\n<doc id="2">\n', None, ":2: the document before, of line 1, has no </doc>"),
        (b"one\ntw\0o", "text", ":2: contains a NUL character"),
        (b"one\n\n\xe9", None, ":3: not valid UTF-8"),
        (b'{"text": "a"}\n{"test": "b"}\n', "jsonl", ":2: no field 'text'"),
        (b"PAR1", "parquet", ": not a Parquet file"),
    ],
)
def test_bad_files_are_named(content: bytes, format: str | None, says: str, tmp_path: Path) -> None:
    path = written(tmp_path, "a.txt", content)
    with pytest.raises(InputError) as caught:
        list(read_documents(path, format=format))
    assert str(caught.value).startswith(path + says)
    assert "--on-error" not in caught.value.remedy


def test_bad_columns_of_parquet(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"a.parquet: no column 'txt' .did you mean 'text'"):
        list(read_documents(parquet(tmp_path, ["a"]), text_column="txt"))
    with pytest.raises(InputError, match=r"a.parquet:2: the column 'text' is not text"):
        list(read_documents(parquet(tmp_path, ["a", None])))


def test_a_document_without_end_does_not_fill_the_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(documents, "LONGEST_DOCUMENT", 1000)
    path = written(tmp_path, "a.txt", "x" * 99 + "\n\n" + "x\n" * 600)
    for format in ("blank-line", "text"):
        with pytest.raises(InputError, match="the document is longer than"):
            list(read_documents(path, format=format))
    path = written(tmp_path, "b.txt", '<doc id="1">\n' + ("x" * 90 + "\n\n") * 20 + "</doc>\n")
    with pytest.raises(InputError, match=r"b.txt:1: the document is longer than"):
        list(read_documents(path, format="doc"))


def test_errors_before_reading(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"unknown format 'docs' .did you mean 'doc'"):
        read_documents("x", format="docs")
    with pytest.raises(InputError, match="no such file"):
        read_documents(str(tmp_path / "x"))
    with pytest.raises(UserError, match="stdin: its format is not known"):
        read_documents("-")


def test_sources_of_folders(tmp_path: Path) -> None:
    (tmp_path / "b").mkdir()
    (tmp_path / ".git").mkdir()
    (tmp_path / "empty").mkdir()
    for name in ("c.txt", "a.txt", "b/x.txt", ".hidden", ".git/x"):
        written(tmp_path, name, "x")
    single = str(tmp_path / "c.txt")
    files = [str(tmp_path / name) for name in ("a.txt", "b/x.txt", "c.txt")]
    assert list_sources([single, str(tmp_path), "-"]) == [single, *files, "-"]
    with pytest.raises(InputError, match="no files in this folder"):
        list_sources([str(tmp_path / "empty")])
    with pytest.raises(InputError, match="no such file"):
        list_sources([single, str(tmp_path / "nowhere")])


def test_memory_does_not_grow_with_the_file(tmp_path: Path) -> None:
    def most_bytes(count: int) -> int:
        path = written(tmp_path, "a.gz", DOC * count)
        tracemalloc.start()
        try:
            for _ in read_documents(path):
                pass
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    assert most_bytes(4000) < 1.1 * most_bytes(400) + 100_000
