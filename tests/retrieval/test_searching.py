from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from bertkit.errors import BadIndex, EmptyInput, UserError
from bertkit.retrieval.searching import Hit, IndexReader, reordered
from bertkit.retrieval.traced import Stretch, Traced
from tests.retrieval.made_index import bring_up_to_date, embed, write_files

FILES = {
    "a.md": "# Fruit\n\nAn orange and a banana.\n\nA plum and a pear.\n\n## Red\n\nApples are red.\n",
    "rows.jsonl": '{"text": "a red fox", "year": 2019}\n{"text": "a blue whale 4711", "year": 2021}\n',
}


@pytest.fixture
def reader(tmp_path: Path) -> IndexReader:
    write_files(tmp_path / "docs", FILES)
    bring_up_to_date(tmp_path / "notes.idx", tmp_path / "docs")
    return IndexReader(tmp_path / "notes.idx")


def search(reader: IndexReader, query: str, count: int = 9, **how: object) -> list[Hit]:
    return reader.search(query, embed([query])[0], count, **how)  # type: ignore[arg-type]


def test_a_hit_says_where_it_stands(reader: IndexReader) -> None:
    hit = search(reader, "Fruit > Red: apples are red", 1)[0]
    assert hit.place.endswith("docs/a.md:9")
    record = hit.record()
    start, end = record["start"], record["end"]
    assert FILES["a.md"][start:end] == record["text"] == "Apples are red."  # type: ignore[misc]
    assert (record["line"], record["page"], record["heading"]) == (9, None, "Fruit > Red")
    assert record["fields"] == {"file": "a.md", "format": "markdown"}
    assert hit.score == pytest.approx(1.0, abs=2e-3)
    assert hit.in_context == "Fruit > Red: Apples are red."


def test_a_row_is_named_by_its_line_and_a_page_by_its_number(reader: IndexReader) -> None:
    hit = search(reader, "a blue whale 4711", 1)[0]
    assert hit.place.endswith("rows.jsonl:2")
    assert hit.record()["line"] == 2
    paged = Hit(1.0, "a.pdf", Traced("text", (Stretch(0, 5, 0),)), "", 3, None, {})
    assert (paged.place, paged.record()["page"], paged.record()["start"]) == ("a.pdf, page 3", 3, 5)


def test_filters_choose_documents_for_meaning_and_for_words(reader: IndexReader) -> None:
    for hybrid in (False, True):
        found = search(reader, "a red fox", filter="year>2020", hybrid=hybrid)
        assert [hit.fields["year"] for hit in found] == [2021]
    assert search(reader, "a red fox", filter="year>2030", hybrid=True) == []
    with pytest.raises(UserError, match="no document has the field 'yaer'"):
        reader.check("x", "yaer=1")
    reader.check("x", None)
    with pytest.raises(EmptyInput, match="a query without text"):
        reader.check(" ", None)


def test_with_words_what_meaning_misses_is_found(reader: IndexReader) -> None:
    far = embed(["apples"])[0]
    assert reader.search("4711", far, 1)[0].fields.get("year") is None
    assert reader.search("4711", far, 5, hybrid=True)[0].fields["year"] == 2021
    assert reader.search("unknownword", far, 1, hybrid=True)


def test_counts_are_of_what_may_be_found(reader: IndexReader) -> None:
    assert reader.counts() == {"files": 2, "documents": 3, "passages": 4}


def test_there_must_be_an_index_and_vectors_of_its_width(reader: IndexReader, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="a vector of shape"):
        reader.search("x", np.ones(3, np.float32), 1)
    for name, words in (("gone", "no such index"), ("docs", "no index in this folder")):
        with pytest.raises(UserError, match=words) as caught:
            IndexReader(tmp_path / name)
        assert "bertkit index" in caught.value.remedy


def test_a_file_of_vectors_that_has_gone_is_named(reader: IndexReader, tmp_path: Path) -> None:
    (tmp_path / "notes.idx" / "vectors.1.float16").unlink()
    with pytest.raises(BadIndex, match="a file of its vectors is not there"):
        search(reader, "x")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_nobody_may_write_to_is_searched(reader: IndexReader, tmp_path: Path) -> None:
    (tmp_path / "notes.idx").chmod(0o500)
    try:
        assert search(IndexReader(tmp_path / "notes.idx"), "apples")
    finally:
        (tmp_path / "notes.idx").chmod(0o700)


def test_other_scores_make_another_order(reader: IndexReader) -> None:
    hits = search(reader, "a red fox", 3)
    again = reordered(hits, [0.1, 0.5, 0.5], 2)
    assert [(hit.text, hit.score) for hit in again] == [(hits[1].text, 0.5), (hits[2].text, 0.5)]
