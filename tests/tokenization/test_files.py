"""Small files: whole or not at all, and every complaint with its line."""

from __future__ import annotations

from pathlib import Path

import pytest

from bertkit.errors import BadCheckpoint, OutputError
from bertkit.tokenization.files import read_lines, read_object, write_object, write_text


def test_lines(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes("a\r\nb\u2028c\n\nd".encode())
    assert read_lines(path) == ["a", "b\u2028c", "", "d"]
    path.write_bytes(b"")
    assert read_lines(path) == []


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    assert read_object(tmp_path / "none.json") == {}
    with pytest.raises(BadCheckpoint, match="cannot be read"):
        read_lines(tmp_path / "none")


def test_an_object_there_and_back(tmp_path: Path) -> None:
    value = {"b": "é\u2028", "a": [1, None, True]}
    write_object(tmp_path / "new" / "x.json", value)
    assert read_object(tmp_path / "new" / "x.json") == value
    assert list(read_object(tmp_path / "new" / "x.json")) == ["b", "a"]


def test_a_failed_write_leaves_the_old_file_and_no_part(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "x"
    write_text(path, "old")

    def fail(self: Path, target: Path) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", fail)
    with pytest.raises(OutputError, match=r"x: cannot be written \(No space left on device\)"):
        write_text(path, "new")
    assert [(each.name, each.read_text()) for each in tmp_path.iterdir()] == [("x", "old")]
