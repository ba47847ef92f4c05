from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from bertkit.checkpoints.digests import sha256
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
