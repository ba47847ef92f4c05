"""Files and folders that appear whole or not at all.

Everything is written under a temporary name beside its place, brought to disk, and renamed. Whatever ends the work
before that, Ctrl-C included, leaves what was there before and nothing else.
"""

from __future__ import annotations

import errno
import gzip
import io
import shutil
import stat
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path
from typing import BinaryIO, Literal, TextIO, cast, overload

from bertkit.checkpoints.durable import put_in_place, sibling, to_disk
from bertkit.errors import BertkitError, OutputError

# In the caller's block any file may fail to be read or written; these failures can only be of writing.
_WRITING_FAILED = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS}


@contextmanager
def atomic_folder(path: Path, *, replace: bool = False) -> Iterator[Path]:
    """A temporary folder beside `path` that takes its place when the block ends, and is removed when it fails.

    Args:
        path: where the folder appears. It may be there already when it is empty.
        replace: let the new folder take the place of one that is not empty; the old one is removed afterwards.

    Raises:
        OutputError: the place cannot be written, its parent is missing, or something is there already.
    """
    target = path.resolve()
    _refuse_missing_parent(path, target)
    _refuse_occupied(path, target, replace)
    temporary = sibling(target)
    with _failure_to_write(path, everything=True):
        temporary.mkdir()
    try:
        with _failure_to_write(path), _named(temporary, path):
            yield temporary
        _refuse_occupied(path, target, replace)  # it may have appeared while the block ran
        with _failure_to_write(path, everything=True):
            put_in_place(temporary, target)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def check_free(path: Path) -> None:
    """Sees that a folder can appear at `path`, before the work that fills it.

    Raises:
        OutputError: its parent is missing, or something is there already.
    """
    target = path.resolve()
    _refuse_missing_parent(path, target)
    _refuse_occupied(path, target, replace=False)


@overload
def atomic_file(path: Path, mode: Literal["w"] = "w") -> AbstractContextManager[TextIO]: ...
@overload
def atomic_file(path: Path, mode: Literal["wb"]) -> AbstractContextManager[BinaryIO]: ...
def atomic_file(path: Path, mode: Literal["w", "wb"] = "w") -> AbstractContextManager[TextIO | BinaryIO]:
    """A file open for writing (UTF-8 text, or bytes) that appears at `path` when the block ends without an error.

    Compressed when the name ends in `.gz`; the same content always gives the same bytes. What is not a regular file
    (`/dev/null`, a named pipe) cannot be replaced and is written to directly.

    Raises:
        OutputError: the place cannot be written, or its parent is missing.
    """
    is_special = path.exists() and not path.is_file() and not path.is_dir()
    return _written_directly(path, mode) if is_special else _written_aside(path, mode)


@contextmanager
def replaced_file(path: Path) -> Iterator[Path]:
    """A temporary path beside `path`; the file that the block makes there takes the place of `path` when it ends.

    Raises:
        OutputError: as `atomic_file`.
    """
    target = path.resolve()  # a symbolic link stays one
    _refuse_missing_parent(path, target)
    if target.is_dir():
        raise OutputError(f"{path}: is a folder, not a file")
    temporary = sibling(target)
    with _failure_to_write(path, everything=True):
        temporary.touch(exist_ok=False)
        # Kept for the end: what writes there may put a file of its own, readable by nobody else, in its place.
        permissions = stat.S_IMODE((target if target.exists() else temporary).stat().st_mode)
    try:
        with _failure_to_write(path):
            yield temporary
        with _failure_to_write(path, everything=True):
            to_disk(temporary)
            temporary.chmod(permissions)
            temporary.replace(target)
            to_disk(target.parent)
    finally:
        temporary.unlink(missing_ok=True)


@contextmanager
def _written_directly(path: Path, mode: Literal["w", "wb"]) -> Iterator[TextIO | BinaryIO]:
    with _failure_to_write(path), _opened(path, path, mode) as file:
        yield file


@contextmanager
def _written_aside(path: Path, mode: Literal["w", "wb"]) -> Iterator[TextIO | BinaryIO]:
    with replaced_file(path) as temporary, _opened(temporary, path, mode) as file:
        yield file


@contextmanager
def _opened(place: Path, path: Path, mode: Literal["w", "wb"]) -> Iterator[TextIO | BinaryIO]:
    with ExitStack() as stack:
        with _failure_to_write(path, everything=True):
            binary: BinaryIO = stack.enter_context(place.open("wb"))
        if path.suffix == ".gz":  # without the name and the time that gzip would write into the file
            packed = gzip.GzipFile(filename="", mode="wb", fileobj=binary, mtime=0)
            binary = cast(BinaryIO, stack.enter_context(packed))
        if mode == "wb":
            yield binary
        else:
            yield stack.enter_context(io.TextIOWrapper(binary, encoding="utf-8", newline="\n"))


@contextmanager
def _named(temporary: Path, path: Path) -> Iterator[None]:
    """An error about something in the temporary folder names the place where it was to be."""
    try:
        yield
    except BertkitError as error:
        error.what = error.what.replace(str(temporary), str(path))
        error.args = (error.what,)
        raise


@contextmanager
def _failure_to_write(path: Path, *, everything: bool = False) -> Iterator[None]:
    """Turns an OSError that says that writing failed (or `everything`: any OSError) into an OutputError."""
    try:
        yield
    except OSError as error:
        if everything or error.errno in _WRITING_FAILED:
            raise OutputError(f"{path}: cannot be written: {error.strerror}") from error
        raise


def _refuse_missing_parent(path: Path, target: Path) -> None:
    parent = target.parent
    if not parent.exists():
        raise OutputError(f"{path}: the folder {parent} does not exist", "Make it first, or choose another place.")
    if not parent.is_dir():
        raise OutputError(f"{path}: {parent} is not a folder")


def _refuse_occupied(path: Path, target: Path, replace: bool) -> None:
    if target.exists() and not target.is_dir():
        raise OutputError(f"{path}: is a file, a folder is to be written there")
    if not replace and target.is_dir() and any(target.iterdir()):
        raise OutputError(f"{path}: is there already and not empty", "Choose a new folder, or remove this one first.")
