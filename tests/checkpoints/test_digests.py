from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from bertkit.checkpoints.digests import folder_sha256, sha256
from bertkit.errors import BadCheckpoint


@pytest.mark.parametrize("size", [0, 1, 1_000_003])
def test_agrees_with_hashing_all_at_once(tmp_path: Path, size: int) -> None:
    content = bytes(range(256)) * (size // 256 + 1)
    (tmp_path / "file").write_bytes(content[:size])
    assert sha256(tmp_path / "file") == hashlib.sha256(content[:size]).hexdigest()


def test_is_not_cached(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"one")
    first = sha256(tmp_path / "file")
    (tmp_path / "file").write_bytes(b"two")
    assert sha256(tmp_path / "file") != first


def test_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadCheckpoint, match="absent: cannot be read"):
        sha256(tmp_path / "absent")


def test_a_folder_is_what_its_files_hold_and_are_called(tmp_path: Path) -> None:
    (tmp_path / "inner").mkdir()
    (tmp_path / "inner/a.json").write_text("a")
    before = folder_sha256(tmp_path)
    (tmp_path / "README.md").write_text("for people")
    (tmp_path / ".hidden").write_text("")
    assert folder_sha256(tmp_path) == before
    (tmp_path / "inner/a.json").rename(tmp_path / "a.json")
    moved = folder_sha256(tmp_path)
    (tmp_path / "a.json").write_text("b")
    assert len({before, moved, folder_sha256(tmp_path)}) == 3
