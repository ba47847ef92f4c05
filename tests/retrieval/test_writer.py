"""An index is the same however often its writer was killed, and whoever searches meanwhile sees one moment of it."""

from __future__ import annotations

import shutil
import sqlite3
import sys
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

import numpy as np
import pytest

from bertkit.errors import BadIndex, FolderInUse, OutputError
from bertkit.retrieval import writer as module
from bertkit.retrieval.searching import IndexReader
from bertkit.retrieval.tables import NAME, read_tables
from bertkit.retrieval.vector_files import VectorFiles
from bertkit.retrieval.writer import open_writer
from tests.retrieval.made_index import bring_up_to_date, embed, settings, write_files

FIRST = {
    "a.md": "# Fruit\n\nAn orange and a banana. A plum and a pear. Apples are red. Cherries are small.\n",
    "b.txt": "Rain falls in autumn. Snow falls in winter. The sun shines in summer.\n",
    "c/d.jsonl": '{"text": "a red fox", "year": 2019}\n{"text": "a blue whale", "year": 2021}\n',
    "e.txt": "",
    "f.txt": "Rain falls in autumn. Snow falls in winter. The sun shines in summer.\n",
}
LATER = {"a.md": FIRST["a.md"].replace("Apples are red", "Apples are green"), "g.txt": "A new page of nothing much."}
GONE = ("c/d.jsonl", "f.txt", "b.txt")
WATCHED = {"writer.py", "vector_files.py", "tables.py"}


@pytest.fixture(autouse=True)
def _few_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "AT_ONCE", 3)
    monkeypatch.setattr(module, "COPIED_AT_ONCE", 2)


def content(index: Path, width: int = 24) -> list[Any]:
    """All that an index holds, vectors included, whatever its pages look like."""
    with read_tables(index) as tables:
        names = ("files", "documents", "passages", "holes", "field_names", "facts WHERE name != 'version'")
        asked = [f"SELECT * FROM {name} ORDER BY 1" for name in names]
        asked.append("SELECT rowid, rank FROM words WHERE words MATCH 'a OR rain'")
        found: list[Any] = [tables.connection.execute(query).fetchall() for query in asked]
        files = VectorFiles(index, tables.settings.precision, width, tables.fact("generation", 1))
        found += [stored.tobytes() for stored in files.mapped(tables.fact("vectors", 0)).values()]
    return found


def images(index: Path, into: Path, every: int, job: Callable[[], object]) -> list[Path]:
    """Copies of an index at every so many lines that its writer runs: what is left of it when it is killed there."""
    taken: list[Path] = []
    lines = 0

    def follow(frame: FrameType, event: str, argument: object) -> Any:
        nonlocal lines
        if Path(frame.f_code.co_filename).name not in WATCHED:
            return None
        if event == "line":
            lines += 1
            if lines % every == 0 and index.is_dir():
                taken.append(into / str(lines))
                shutil.copytree(index, taken[-1])
        return follow

    before = sys.gettrace()
    sys.settrace(follow)
    try:
        job()
    finally:
        sys.settrace(before)
    return taken


@pytest.mark.parametrize(("precision", "every"), [("float16", 23), ("int8", 101), ("binary", 101)])
def test_killed_anywhere_it_goes_on_to_the_same_index(tmp_path: Path, precision: Any, every: int) -> None:
    docs, index = tmp_path / "docs", tmp_path / "notes.idx"
    write_files(docs, FIRST)
    taken = images(index, tmp_path / "first", every, lambda: bring_up_to_date(index, docs, precision))
    first = content(index)
    assert len(taken) > 3
    for image in taken:
        bring_up_to_date(image, docs, precision)
        assert content(image) == first, image

    write_files(docs, LATER)
    for name in GONE:
        (docs / name).unlink()
    taken = images(index, tmp_path / "later", every, lambda: bring_up_to_date(index, docs, precision))
    later = content(index)
    assert len(taken) > 3
    for image in taken:
        bring_up_to_date(image, docs, precision)
        assert content(image) == later, image
    assert {path.name.split(".")[1] for path in index.glob("vectors.*")} == {"2"}  # written anew: holes were many


def test_what_is_unchanged_or_says_the_same_is_not_embedded_again(tmp_path: Path) -> None:
    docs, index = tmp_path / "docs", tmp_path / "notes.idx"
    write_files(docs, FIRST)
    assert bring_up_to_date(index, docs) == 6  # f.txt says what b.txt says
    assert bring_up_to_date(index, docs) == 0
    write_files(docs, {"z.md": FIRST["a.md"]})
    (docs / "a.md").unlink()
    assert bring_up_to_date(index, docs) == 0  # moved
    write_files(docs, {"z.md": LATER["a.md"]})
    assert bring_up_to_date(index, docs) == 1
    with read_tables(index) as tables:
        rows = tables.connection.execute("SELECT heading, text, vector FROM passages ORDER BY vector").fetchall()
        stored = VectorFiles(index, "float16", 24, tables.fact("generation", 1)).mapped(tables.fact("vectors"))[
            "float16"
        ]
    for heading, text, vector in rows:
        expected = embed([f"{heading}: {text}" if heading else text])[0].astype(np.float16)
        assert np.array_equal(stored[vector], expected)


def test_a_second_writer_is_refused_until_the_first_has_ended(tmp_path: Path) -> None:
    index = tmp_path / "notes.idx"
    with open_writer(index, settings()), pytest.raises(FolderInUse), open_writer(index, settings()):
        pass
    with open_writer(index, settings()):
        pass


def test_who_searches_sees_the_index_as_it_was(tmp_path: Path) -> None:
    docs, index = tmp_path / "docs", tmp_path / "notes.idx"
    write_files(docs, FIRST)
    bring_up_to_date(index, docs)
    readers = [IndexReader(index), IndexReader(index)]
    query = embed(["Fruit: apples are red cherries are small"])[0]

    def found(reader: IndexReader) -> str:
        return reader.search("apples", query, 1)[0].text.text

    assert all("red" in found(reader) for reader in readers)
    with readers[0]._snapshot() as (tables, vectors):
        before = vectors.nearest(query, 9)
        write_files(docs, LATER)
        for name in GONE:
            (docs / name).unlink()
        bring_up_to_date(index, docs)  # and a new generation takes the place of the files that are mapped here
        assert np.array_equal(vectors.nearest(query, 9).scores_K, before.scores_K)
        assert tables.connection.execute("SELECT count(*) FROM files").fetchone() == (5,)
        assert "green" in found(readers[1])
    assert "green" in found(readers[0])


def test_a_file_that_waits_is_not_seen(tmp_path: Path) -> None:
    docs, index = tmp_path / "docs", tmp_path / "notes.idx"
    write_files(docs, FIRST)
    with open_writer(index, settings()) as writer:
        from bertkit.retrieval.reading import documents_of

        for name in ("a.md", "b.txt"):
            writer.add(name, b"1", documents_of(docs / name, None, lambda error: None))
        assert writer.waiting() == 4
        steps = writer.embed(embed)
        assert next(steps) == (3, 3)
        reader = IndexReader(index)
        assert reader.counts() == {"files": 1, "documents": 1, "passages": 2}
        files = {hit.file for hit in reader.search("rain", embed(["rain falls in autumn"])[0], 9, hybrid=True)}
        assert files == {"a.md"}
        assert list(steps) == [(1, 1)]
        assert writer.counts() == (2, 4)


def test_what_is_damaged_is_named(tmp_path: Path) -> None:
    docs, index = tmp_path / "docs", tmp_path / "notes.idx"
    write_files(docs, FIRST)
    bring_up_to_date(index, docs)
    with sqlite3.connect(index / NAME) as connection:
        connection.execute("UPDATE facts SET value = '99' WHERE name = 'format'")
    connection.close()
    with pytest.raises(BadIndex, match="format 99"):
        IndexReader(index)
    (index / NAME).write_bytes(b"no tables at all" * 99)
    with pytest.raises(BadIndex, match=r"passages\.sqlite"):
        bring_up_to_date(index, docs)
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match="cannot be made"), open_writer(tmp_path / "file" / "x", settings()):
        pass
