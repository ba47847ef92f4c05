"""Changes of folders that a power cut cannot undo, and that nobody sees half done.

A file's own fsync does not bring its name to disk: that is a line of its folder, and the folder's name is one of the
folder above.
"""

from __future__ import annotations

import ctypes
import errno
import os
import secrets
import shutil
import sys
from pathlib import Path

_HERE = -100 if sys.platform == "linux" else -2  # AT_FDCWD: paths are relative to the process's own folder
_EXCHANGE = {"linux": ("renameat2", 2), "darwin": ("renameatx_np", 2)}  # RENAME_EXCHANGE, RENAME_SWAP


def to_disk(path: Path) -> None:
    """Waits until a file's content, or the names in a folder, would survive a power cut.

    A folder that may not be read, or a disk that does not know this of folders, is let be.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
    except OSError as error:
        if not (path.is_dir() and error.errno in (errno.EACCES, errno.EINVAL, errno.ENOTSUP)):
            raise


def tree_to_disk(folder: Path) -> None:
    """`to_disk` of a folder and of all that is in it."""
    for path in folder.rglob("*"):
        if path.is_file() or path.is_dir():
            to_disk(path)
    to_disk(folder)


def make_folder(path: Path) -> None:
    """Makes a folder, and those above it, where they are missing; their names are on disk afterwards.

    Raises:
        OSError: one cannot be made.
    """
    if path.is_dir():
        return
    if path.exists():
        raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), str(path))
    make_folder(path.absolute().parent)
    path.mkdir(exist_ok=True)
    to_disk(path.absolute().parent)


def put_in_place(temporary: Path, target: Path) -> None:
    """A finished folder takes its place, where there may be another, which is removed.

    The two change places in one step where the system and the disk can do that, so that there is always one of them.
    Elsewhere the old one is moved aside first, and back if the second step fails.

    Raises:
        OSError: it cannot; what was there before is still there.
    """
    tree_to_disk(temporary)
    old = None
    if not target.exists():
        temporary.rename(target)
    elif exchanged(temporary, target):
        old = temporary
    else:
        old = sibling(target, "old")
        target.rename(old)
        try:
            temporary.rename(target)
        except BaseException:
            old.rename(target)
            raise
    to_disk(target.parent)
    if old is not None:
        shutil.rmtree(old)


def exchanged(one: Path, other: Path) -> bool:
    """Gives two files or folders each the other's name, in one step; false, and nothing changed, where it cannot be."""
    name, flag = _EXCHANGE.get(sys.platform, ("", 0))
    call = getattr(ctypes.CDLL(None), name, None) if name else None
    return call is not None and call(_HERE, os.fsencode(one), _HERE, os.fsencode(other), flag) == 0


def sibling(target: Path, ending: str = "tmp") -> Path:
    """A new name beside another."""
    return target.with_name(f".{target.name}.{secrets.token_hex(4)}.{ending}")
