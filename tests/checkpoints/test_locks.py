from __future__ import annotations

import errno
import fcntl
import os
import subprocess
import sys
from pathlib import Path

import pytest

from bertkit.checkpoints.locks import LOCK, locked, owned
from bertkit.errors import FolderInUse, OutputError


def test_a_second_run_is_kept_out(tmp_path: Path) -> None:
    with owned(tmp_path / "run"):
        with pytest.raises(FolderInUse, match="run: another run writes there") as raised, owned(tmp_path / "run"):
            pass
        assert "-o" in raised.value.remedy
    with owned(tmp_path / "run"):
        pass


def test_nothing_is_left_where_nothing_was_written(tmp_path: Path) -> None:
    with pytest.raises(KeyError), owned(tmp_path / "runs/run"):
        raise KeyError
    assert os.listdir(tmp_path) == []
    (tmp_path / "mine").mkdir()
    with owned(tmp_path / "mine"):
        pass
    assert os.listdir(tmp_path) == ["mine"]
    assert os.listdir(tmp_path / "mine") == []


def test_what_was_written_stays(tmp_path: Path) -> None:
    with owned(tmp_path / "run"):
        (tmp_path / "run/model").touch()
        assert (tmp_path / "run" / LOCK).exists()
    assert os.listdir(tmp_path / "run") == ["model"]


def test_a_dead_process_holds_nothing(tmp_path: Path) -> None:
    program = (
        "import sys, time; from pathlib import Path; from bertkit.checkpoints.locks import locked\n"
        "with locked(Path(sys.argv[1])): print('locked', flush=True); time.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", program, str(tmp_path)], stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "locked\n"
        with pytest.raises(FolderInUse), locked(tmp_path):
            pass
        other.kill()
    with locked(tmp_path):
        pass


def test_a_lock_whose_file_was_removed_is_taken_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever leaves removes the file; who has opened it just before must not be content with that one."""
    flock = fcntl.flock
    removed: list[int] = []

    def late(descriptor: int, operation: int) -> None:
        if not removed:
            removed.append(descriptor)
            (tmp_path / LOCK).unlink()
        flock(descriptor, operation)

    monkeypatch.setattr(fcntl, "flock", late)
    with locked(tmp_path), pytest.raises(FolderInUse), locked(tmp_path):
        pass
    assert removed


def test_a_disk_without_locks_is_no_hindrance(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(descriptor: int, operation: int) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "flock", refused)
    with owned(tmp_path / "run"):
        pass


def test_a_place_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match="cannot be made: Not a directory"), owned(tmp_path / "file/run"):
        pass
    with pytest.raises(OutputError, match="cannot be written"), locked(tmp_path / "missing"):
        pass
