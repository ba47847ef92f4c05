"""Locks that a process has, and those that nobody has."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from bertkit.checkpoints.durable import sibling
from bertkit.checkpoints.locks import locked
from bertkit.doctor import folder_locks
from bertkit.doctor.facts import Lock
from bertkit.doctor.folder_locks import locks_below, unfinished_below

needs_proc = pytest.mark.skipif(not Path("/proc/locks").exists(), reason="Linux tells which process has a lock")


@needs_proc
def test_a_lock_that_this_process_has_and_one_that_is_left(tmp_path: Path) -> None:
    (tmp_path / "runs/a").mkdir(parents=True)
    (tmp_path / "runs/b").mkdir()
    (tmp_path / "runs/b/.lock").touch()
    with locked(tmp_path / "runs/a"):
        found = {lock.folder: lock.process for lock in locks_below(tmp_path)}
    assert found == {str(tmp_path / "runs/a"): os.getpid(), str(tmp_path / "runs/b"): 0}


def test_a_system_that_does_not_tell(tmp_path: Path) -> None:
    (tmp_path / ".lock").touch()
    assert locks_below(tmp_path, tmp_path / "no such file") == (Lock(str(tmp_path), None),)


def test_what_is_deep_or_hidden_is_not_looked_at(tmp_path: Path) -> None:
    for folder in ("a/b/c", ".git"):
        (tmp_path / folder).mkdir(parents=True)
        (tmp_path / folder / ".lock").touch()
    assert locks_below(tmp_path) == ()


def test_a_folder_of_very_many_files_is_not_read_to_its_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folder_locks, "MOST_ENTRIES", 3)
    for number in range(9):
        (tmp_path / f"{number}").mkdir()
        (tmp_path / f"{number}/.lock").touch()
    assert locks_below(tmp_path) == ()


def test_half_written(tmp_path: Path) -> None:
    left = sibling(tmp_path / "model")
    left.mkdir()
    (tmp_path / ".hidden.txt").touch()
    assert unfinished_below(tmp_path) == (str(left),)
    assert unfinished_below(tmp_path / "no such folder") == ()
