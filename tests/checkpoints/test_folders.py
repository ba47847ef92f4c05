"""What is written appears whole or not at all, and an unwritable place is one clear error."""

from __future__ import annotations

import errno
import gzip
import os
import resource
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from bertkit.checkpoints import durable
from bertkit.checkpoints.folders import atomic_file, atomic_folder, replaced_file
from bertkit.errors import OutputError


def names(folder: Path) -> list[str]:
    return sorted(entry.name for entry in folder.iterdir())


@contextmanager
def files_at_most(size: int) -> Iterator[None]:
    """A disk on which no file can grow beyond `size` bytes."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


# --- folders


def test_folder_appears_at_the_end(tmp_path: Path) -> None:
    with atomic_folder(tmp_path / "model") as temporary:
        assert temporary.parent == tmp_path
        (temporary / "sub").mkdir()
        (temporary / "sub" / "config.json").write_text("{}")
        assert not (tmp_path / "model").exists()
    assert names(tmp_path) == ["model"]
    assert (tmp_path / "model" / "sub" / "config.json").read_text() == "{}"


@pytest.mark.parametrize("failure", [ValueError, KeyboardInterrupt, SystemExit, GeneratorExit])
def test_folder_leaves_nothing_when_the_work_fails(tmp_path: Path, failure: type[BaseException]) -> None:
    def work() -> None:
        with atomic_folder(tmp_path / "model") as temporary:
            (temporary / "config.json").write_text("{}")
            raise failure

    with pytest.raises(failure):
        work()
    assert names(tmp_path) == []


def test_empty_folder_is_taken_over(tmp_path: Path) -> None:
    (tmp_path / "model").mkdir()
    with atomic_folder(tmp_path / "model") as temporary:
        (temporary / "a").touch()
    assert names(tmp_path / "model") == ["a"]


def test_occupied_folder_is_refused_before_the_work(tmp_path: Path) -> None:
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "mine.txt").touch()
    started = False
    with pytest.raises(OutputError, match="model: is there already and not empty"), atomic_folder(tmp_path / "model"):
        started = True
    assert not started
    assert names(tmp_path) == ["model"]
    assert names(tmp_path / "model") == ["mine.txt"]


def test_folder_that_fills_during_the_work_is_not_lost(tmp_path: Path) -> None:
    (tmp_path / "model").mkdir()
    with pytest.raises(OutputError, match="is there already"), atomic_folder(tmp_path / "model"):
        (tmp_path / "model" / "mine.txt").touch()
    assert names(tmp_path) == ["model"]
    assert names(tmp_path / "model") == ["mine.txt"]


def test_replace_swaps_the_whole_folder(tmp_path: Path) -> None:
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "old").touch()
    with atomic_folder(tmp_path / "model", replace=True) as temporary:
        (temporary / "new").touch()
        assert names(tmp_path / "model") == ["old"]
    assert names(tmp_path) == ["model"]
    assert names(tmp_path / "model") == ["new"]


def test_replace_keeps_the_old_folder_when_the_work_fails(tmp_path: Path) -> None:
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "old").touch()
    with pytest.raises(KeyboardInterrupt), atomic_folder(tmp_path / "model", replace=True):
        raise KeyboardInterrupt
    assert names(tmp_path) == ["model"]
    assert names(tmp_path / "model") == ["old"]


def test_replace_puts_the_old_folder_back_when_the_swap_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(durable, "exchanged", lambda one, other: False)  # as on a disk that cannot
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "old").touch()
    rename = Path.rename

    def failing(self: Path, target: Path) -> Path:
        if self.suffix == ".tmp":
            raise OSError(errno.EIO, "Input/output error")
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", failing)
    with (
        pytest.raises(OutputError, match="model: cannot be written: Input/output error"),
        atomic_folder(tmp_path / "model", replace=True),
    ):
        pass
    assert names(tmp_path) == ["model"]
    assert names(tmp_path / "model") == ["old"]


def test_an_error_inside_names_the_place_and_not_the_temporary_one(tmp_path: Path) -> None:
    with (
        pytest.raises(OutputError, match=r"model/part/file: the folder .*model/part does not exist"),
        atomic_folder(tmp_path / "model") as outer,
        atomic_folder(outer) as inner,
        atomic_file(inner / "part/file"),
    ):
        pass


@pytest.mark.parametrize("replace", [True, False])
def test_folder_never_takes_the_place_of_a_file(tmp_path: Path, replace: bool) -> None:
    (tmp_path / "model").write_text("mine")
    with pytest.raises(OutputError, match="model: is a file"), atomic_folder(tmp_path / "model", replace=replace):
        pass
    assert (tmp_path / "model").read_text() == "mine"


def test_link_to_a_folder_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    with atomic_folder(tmp_path / "link") as temporary:
        (temporary / "a").touch()
    assert (tmp_path / "link").is_symlink()
    assert names(tmp_path / "real") == ["a"]


def test_relative_folder_is_written_where_the_process_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with atomic_folder(Path("model")) as temporary:
        (temporary / "a").touch()
    assert names(tmp_path / "model") == ["a"]


def test_full_disk_is_an_output_error_and_leaves_no_folder(tmp_path: Path) -> None:
    with (
        files_at_most(1000),
        pytest.raises(OutputError, match="model: cannot be written: File too large"),
        atomic_folder(tmp_path / "model") as temporary,
    ):
        (temporary / "big").write_bytes(bytes(5000))
    assert names(tmp_path) == []


def test_other_errors_of_the_work_stay_what_they_are(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError), atomic_folder(tmp_path / "model"):
        (tmp_path / "input that is not there").read_text()
    with pytest.raises(BrokenPipeError), atomic_file(tmp_path / "out"):
        raise BrokenPipeError
    assert names(tmp_path) == []


def test_interrupted_process_leaves_nothing(tmp_path: Path) -> None:
    script = (
        "import time; from pathlib import Path\n"
        "from bertkit.checkpoints.folders import atomic_file, atomic_folder\n"
        "with atomic_folder(Path('model')) as folder, atomic_file(Path('out.txt')) as out:\n"
        "    (folder / 'a').touch(); out.write('half'); print('ready', flush=True); time.sleep(60)"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script], cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        assert len(names(tmp_path)) == 2
        process.send_signal(signal.SIGINT)
        assert process.wait(20) != 0
    assert names(tmp_path) == []


# --- files


@pytest.mark.parametrize("name", ["out.jsonl", "out.jsonl.gz"])
def test_text_file_appears_at_the_end(tmp_path: Path, name: str) -> None:
    file = tmp_path / name
    with atomic_file(file) as out:
        out.write("naïve\nzweite Zeile\r\n")
        assert not file.exists()
    content = gzip.decompress(file.read_bytes()) if name.endswith(".gz") else file.read_bytes()
    assert content == "naïve\nzweite Zeile\r\n".encode()
    assert names(tmp_path) == [name]


@pytest.mark.parametrize("name", ["out.bin", "out.gz"])
def test_bytes_are_written_as_they_are(tmp_path: Path, name: str) -> None:
    with atomic_file(tmp_path / name, "wb") as out:
        out.write(b"\x00\xff\r\n")
    content = (tmp_path / name).read_bytes()
    assert (gzip.decompress(content) if name.endswith(".gz") else content) == b"\x00\xff\r\n"


def test_compressed_bytes_depend_on_the_content_only(tmp_path: Path) -> None:
    for name in ("first.gz", "second name.gz"):
        with atomic_file(tmp_path / name) as out:
            out.write("text " * 100)
    assert (tmp_path / "first.gz").read_bytes() == (tmp_path / "second name.gz").read_bytes()


@pytest.mark.parametrize("name", ["out.txt", "out.txt.gz"])
@pytest.mark.parametrize("failure", [ValueError, KeyboardInterrupt])
def test_old_file_survives_a_failure(tmp_path: Path, name: str, failure: type[BaseException]) -> None:
    (tmp_path / name).write_text("old")

    def work() -> None:
        with atomic_file(tmp_path / name) as out:
            out.write("new")
            raise failure

    with pytest.raises(failure):
        work()
    assert (tmp_path / name).read_text() == "old"
    assert names(tmp_path) == [name]


def test_permissions_of_the_old_file_and_its_link_stay(tmp_path: Path) -> None:
    (tmp_path / "real").write_text("old")
    (tmp_path / "real").chmod(0o640)
    (tmp_path / "link").symlink_to("real")
    with atomic_file(tmp_path / "link") as out:
        out.write("new")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "real").read_text() == "new"
    assert (tmp_path / "real").stat().st_mode & 0o777 == 0o640


@pytest.mark.parametrize("size", [5000, 50_000_000])
def test_full_disk_is_an_output_error_and_keeps_the_old_file(tmp_path: Path, size: int) -> None:
    """Small content fails when the file is closed, large content while it is written."""
    (tmp_path / "out").write_text("old")
    with (
        files_at_most(1000),
        pytest.raises(OutputError, match="out: cannot be written: File too large"),
        atomic_file(tmp_path / "out") as out,
    ):
        out.write("x" * size)
    assert (tmp_path / "out").read_text() == "old"
    assert names(tmp_path) == ["out"]


def test_device_is_written_to_and_not_replaced(tmp_path: Path) -> None:
    with atomic_file(Path("/dev/null")) as out:
        out.write("gone")
    assert Path("/dev/null").is_char_device()
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    received: list[str] = []
    reader = threading.Thread(target=lambda: received.append(pipe.read_text()), daemon=True)
    reader.start()
    with atomic_file(pipe) as out:
        out.write("through the pipe")
    reader.join(10)
    assert received == ["through the pipe"]
    assert names(tmp_path) == ["pipe"]


def test_full_device_is_an_output_error() -> None:
    if not Path("/dev/full").exists():
        pytest.skip("needs /dev/full")
    with (
        pytest.raises(OutputError, match="/dev/full: cannot be written: No space left on device"),
        atomic_file(Path("/dev/full")) as out,
    ):
        out.write("text")


# --- places that cannot be written


def open_folder(path: Path) -> None:
    with atomic_folder(path) as temporary:
        (temporary / "a").touch()


def open_file(path: Path) -> None:
    with atomic_file(path) as out:
        out.write("text")


def open_replacement(path: Path) -> None:
    with replaced_file(path) as temporary:
        temporary.write_text("text")


@pytest.mark.parametrize("write", [open_folder, open_file, open_replacement])
class TestUnwritablePlace:
    def test_missing_parent_is_named(self, tmp_path: Path, write: object) -> None:
        assert callable(write)
        with pytest.raises(OutputError) as caught:
            write(tmp_path / "absent" / "deep" / "out")
        assert f"the folder {tmp_path / 'absent' / 'deep'} does not exist" in str(caught.value)

    def test_parent_that_is_a_file_is_named(self, tmp_path: Path, write: object) -> None:
        assert callable(write)
        (tmp_path / "file").touch()
        with pytest.raises(OutputError, match="file is not a folder"):
            write(tmp_path / "file" / "out")

    def test_system_folder_is_an_output_error(self, write: object) -> None:
        assert callable(write)
        if not Path("/proc/self").exists():
            pytest.skip("needs /proc")
        with pytest.raises(OutputError, match="/proc/self/out: cannot be written: "):
            write(Path("/proc/self/out"))

    def test_name_that_is_too_long_is_an_output_error(self, tmp_path: Path, write: object) -> None:
        assert callable(write)
        with pytest.raises(OutputError, match="cannot be written: File name too long"):
            write(tmp_path / ("n" * 250))

    @pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
    def test_protected_folder_is_an_output_error(self, tmp_path: Path, write: object) -> None:
        assert callable(write)
        tmp_path.chmod(0o500)
        with pytest.raises(OutputError, match="cannot be written: Permission denied"):
            write(tmp_path / "out")
        tmp_path.chmod(0o700)


@pytest.mark.parametrize("write", [open_file, open_replacement])
def test_folder_in_place_of_the_file_is_named(tmp_path: Path, write: object) -> None:
    assert callable(write)
    (tmp_path / "out").mkdir()
    with pytest.raises(OutputError, match="out: is a folder, not a file"):
        write(tmp_path / "out")
