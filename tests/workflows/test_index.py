from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

from bertkit.config.indexing import IndexConfig
from bertkit.errors import BertkitError, ConfigError, InputError, UserError
from bertkit.retrieval.searching import IndexReader
from bertkit.workflows import index as module
from bertkit.workflows.index import Indexed, index
from tests.retrieval.made_index import write_files
from tests.workflows.small import Remembers, make_model

FILES = {"a.md": "# W1\n\nw2 w3 w4\n", "in/b.txt": "w5 w6\n", "c.py": "no text", "rows.jsonl": '{"text": "w7"}\n'}


@pytest.fixture
def docs(tmp_path: Path) -> Path:
    write_files(tmp_path / "docs", FILES)
    return tmp_path / "docs"


def run(tmp_path: Path, *sources: Path, observer: Any = None, **given: Any) -> Indexed:
    if not (tmp_path / "model").exists():
        make_model(tmp_path / "model")
    is_new = not (tmp_path / "notes.idx").exists()
    given = {"model": str(tmp_path / "model")} | given if is_new else given
    config = IndexConfig(index=str(tmp_path / "notes.idx"), sources=tuple(map(str, sources)), device="cpu", **given)
    return index(config, observer or Remembers())


def counts(found: Indexed) -> tuple[int, ...]:
    return (found.files, found.passages, found.changed, found.removed, found.unchanged, found.embedded)


def test_only_what_has_changed_is_read_and_what_has_gone_leaves(
    tmp_path: Path, docs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    observer = Remembers()
    made = run(tmp_path, docs, observer=observer)
    assert counts(made) == (3, 3, 3, 0, 0, 3)
    assert made.passed_over == {".py": 1}
    assert observer.counted == {"files": 3, "passages": 3}
    with monkeypatch.context() as patched:  # no weights are read where nothing has changed
        patched.setattr(module.IndexModel, "passages", None)
        assert counts(run(tmp_path, docs)) == (3, 3, 0, 0, 3, 0)
        assert counts(run(tmp_path)) == (3, 3, 0, 0, 3, 0)  # what it has been given before
    (docs / "in/b.txt").rename(docs / "moved.txt")
    (docs / "a.md").write_text("# W1\n\nw9\n")
    assert counts(run(tmp_path)) == (3, 3, 2, 1, 1, 1)
    write_files(tmp_path / "more", {"d.txt": "w8"})
    assert counts(run(tmp_path, tmp_path / "more")) == (4, 4, 1, 0, 0, 1)
    (docs / "rows.jsonl").unlink()
    assert counts(run(tmp_path)) == (3, 3, 0, 1, 3, 0)
    assert made.record()["files"] == 3


def test_what_cannot_be_read_is_left_out_and_told(tmp_path: Path, docs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run(tmp_path, docs)
    (docs / "d.pdf").write_bytes(b"%PDF-1.4")
    (docs / "a.md").write_bytes(b"\xff")
    (docs / "rows.jsonl").write_text('{"text": "w7"}\nno JSON\n')
    observer = Remembers()
    found = run(tmp_path, docs, observer=observer)
    assert counts(found) == (2, 2, 1, 0, 1, 0)
    assert len(found.left_out) == 3
    assert any("a.md:1: not valid UTF-8" in line for line in observer.said)
    assert any("rows.jsonl:2: not valid JSON" in line for line in found.left_out)
    with pytest.raises(InputError, match="no such file or folder"):
        run(tmp_path, tmp_path / "gone")
    monkeypatch.setitem(sys.modules, "pypdf", None)
    assert "d.pdf: pypdf is not installed (Install it: pip install 'bertkit[pdf]'.)" in run(tmp_path).left_out[1]
    assert {Path(hit.file).name for hit in _all(tmp_path)} == {"b.txt", "rows.jsonl"}


def _all(tmp_path: Path) -> list[Any]:
    import numpy as np

    reader = IndexReader(tmp_path / "notes.idx")
    return reader.search("", np.ones(reader.settings.model.width, np.float32), 99)


@pytest.mark.parametrize(
    ("given", "kind", "words"),
    [
        ({"words": 7}, ConfigError, "'words'"),
        ({"words": 10, "overlap": 6}, ConfigError, "more than half"),
    ],
)
def test_settings_that_cannot_be_are_refused(
    tmp_path: Path, docs: Path, given: dict[str, Any], kind: type[BertkitError], words: str
) -> None:
    with pytest.raises(kind, match=words):
        run(tmp_path, docs, **given)
    assert not (tmp_path / "notes.idx").exists()


def test_other_settings_than_the_index_has_are_refused_by_name(tmp_path: Path, docs: Path) -> None:
    run(tmp_path, docs, precision="binary", words=50)
    for given, words in (
        ({"precision": "int8"}, "made with --precision binary, not int8"),
        ({"words": 60}, "made with --words 50, not 60"),
        ({"text_column": "body"}, "--text-column None, not body"),
        ({"prompt": "w9"}, "another prompt before passages"),
    ):
        with pytest.raises(UserError, match=words):
            run(tmp_path, docs, **given)
    assert counts(run(tmp_path, precision="binary", words=50))[2:] == (0, 0, 3, 0)


def test_there_must_be_something_to_index_and_a_place_for_it(tmp_path: Path, docs: Path) -> None:
    with pytest.raises(UserError, match="nothing to index"):
        run(tmp_path)
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="no file that can be read"):
        run(tmp_path, tmp_path / "empty")
    with pytest.raises(UserError, match="is no index"):
        index(IndexConfig(index=str(docs), sources=(str(docs),)))
