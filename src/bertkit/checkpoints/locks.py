"""One process at a time writes into a folder. The system lets go of the lock when the process ends, however it ends."""

from __future__ import annotations

import errno
import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from bertkit.checkpoints.durable import make_folder
from bertkit.errors import FolderInUse, OutputError

LOCK = ".lock"
_NO_LOCKS = {errno.ENOLCK, errno.ENOTSUP, errno.ENOSYS, errno.EINVAL}  # a disk that has none: all go on, as they can


@contextmanager
def locked(folder: Path, name: str = LOCK) -> Iterator[None]:
    """Keeps every other process out of a folder that is there, by a file in it of this name.

    Raises:
        FolderInUse: another process is in it.
        OutputError: the file cannot be made.
    """
    try:
        descriptor = _taken(folder, folder / name)
    except OSError as error:
        raise OutputError(f"{folder}: cannot be written: {error.strerror}") from error
    try:
        yield
    finally:
        os.close(descriptor)


@contextmanager
def owned(folder: Path) -> Iterator[None]:
    """A folder that is made where it is missing, locked, and removed again where nothing else was put into it.

    Raises:
        FolderInUse: another process is in it.
        OutputError: it cannot be made.
    """
    missing = [path for path in (folder, *folder.parents) if not path.exists()]
    try:
        make_folder(folder)
    except OSError as error:
        raise OutputError(
            f"{error.filename}: cannot be made: {error.strerror}", "Choose another folder with -o."
        ) from error
    with locked(folder):
        try:
            yield
        finally:
            (folder / LOCK).unlink(missing_ok=True)
            with suppress(OSError):  # there is something in it
                for path in missing:
                    path.rmdir()


def _taken(folder: Path, path: Path) -> int:
    """The open lock. Who held it before may have removed its file: then a lock on it keeps nobody out."""
    while True:
        descriptor = os.open(path, os.O_CREAT | os.O_RDWR, 0o666)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if path.exists() and os.path.samestat(os.fstat(descriptor), path.stat()):
                return descriptor
        except BlockingIOError:
            os.close(descriptor)
            raise FolderInUse(f"{folder}: another run writes there") from None
        except FileNotFoundError:  # between the two looks
            pass
        except OSError as error:
            if error.errno in _NO_LOCKS:
                return descriptor
            os.close(descriptor)
            raise
        os.close(descriptor)
