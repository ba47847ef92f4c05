from __future__ import annotations

import errno
import os
import threading
from pathlib import Path

import pytest

from bertkit.checkpoints import durable
from bertkit.checkpoints.durable import exchanged, make_folder, put_in_place, to_disk
from bertkit.checkpoints.folders import atomic_file, atomic_folder


@pytest.fixture
def synced(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """What has been brought to disk, in order, by the name that it had then."""
    paths: list[Path] = []
    fsync = os.fsync

    def noted(descriptor: int) -> None:
        paths.append(Path(os.readlink(f"/proc/self/fd/{descriptor}")))
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", noted)
    return paths


def folder_of(path: Path, content: str) -> Path:
    path.mkdir()
    (path / "file").write_text(content)
    return path


needs_proc = pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="asks /proc what a descriptor is of")


@needs_proc
def test_a_new_folder_is_on_disk_with_its_names_and_its_own(tmp_path: Path, synced: list[Path]) -> None:
    with atomic_folder(tmp_path / "model") as made:
        (made / "part").mkdir()
        (made / "part/file").write_text("content")
    assert {made / "part/file", made / "part", made} <= set(synced)
    assert synced[-1] == tmp_path
    assert synced.index(made / "part/file") < synced.index(made)


@needs_proc
def test_a_new_file_is_on_disk_with_its_name(tmp_path: Path, synced: list[Path]) -> None:
    with atomic_file(tmp_path / "file") as file:
        file.write("content")
    assert synced[-1] == tmp_path
    assert len(synced) == 2


@needs_proc
def test_folders_above_are_on_disk_as_well(tmp_path: Path, synced: list[Path]) -> None:
    make_folder(tmp_path / "a/b/c")
    assert (tmp_path / "a/b/c").is_dir()
    assert synced == [tmp_path, tmp_path / "a", tmp_path / "a/b"]
    make_folder(tmp_path / "a/b/c")
    assert len(synced) == 3


def test_a_file_in_the_way(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(NotADirectoryError):
        make_folder(tmp_path / "file")


@pytest.mark.parametrize("can_exchange", [True, False])
def test_a_folder_takes_the_place_of_another(
    can_exchange: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not can_exchange:
        monkeypatch.setattr(durable, "exchanged", lambda one, other: False)
    target = folder_of(tmp_path / "model", "old")
    put_in_place(folder_of(tmp_path / "new", "new"), target)
    assert (target / "file").read_text() == "new"
    assert os.listdir(tmp_path) == ["model"]


def test_there_is_always_one_of_the_two(tmp_path: Path) -> None:
    target = folder_of(tmp_path / "model", "old")
    if not exchanged(folder_of(tmp_path / "probe", "probe"), target):
        pytest.skip("this system or disk cannot exchange two names")
    seen: set[str] = set()
    done = threading.Event()

    def look() -> None:
        while not done.is_set():
            seen.add("there" if target.is_dir() else "nothing")

    looking = threading.Thread(target=look)
    looking.start()
    for number in range(100):
        put_in_place(folder_of(tmp_path / "new", str(number)), target)
    done.set()
    looking.join()
    assert seen == {"there"}


def test_what_cannot_be_exchanged_stays(tmp_path: Path) -> None:
    one = folder_of(tmp_path / "one", "one")
    assert not exchanged(one, tmp_path / "missing")
    assert (one / "file").read_text() == "one"


def test_a_disk_that_does_not_bring_folders_to_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(descriptor: int) -> None:
        raise OSError(errno.EINVAL, "Invalid argument")

    monkeypatch.setattr(os, "fsync", refused)
    to_disk(tmp_path)
    (tmp_path / "file").touch()
    with pytest.raises(OSError, match="Invalid argument"):
        to_disk(tmp_path / "file")
