"""The fingerprint of a file."""

from __future__ import annotations

import hashlib
from pathlib import Path

from bertkit.errors import BadCheckpoint


def sha256(path: Path) -> str:
    """The SHA-256 of a file, 64 hexadecimal digits, read in chunks and never cached.

    Raises:
        BadCheckpoint: the file cannot be read.
    """
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise BadCheckpoint(f"{path}: cannot be read: {error.strerror}") from error


def folder_sha256(folder: Path) -> str:
    """One fingerprint of all files of a folder, 64 hexadecimal digits: of what they hold and of what they are called.

    Texts for people, such as a README, and hidden files do not count.

    Raises:
        BadCheckpoint: a file cannot be read.
    """
    whole = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder)
        if path.is_file() and path.suffix != ".md" and not any(part.startswith(".") for part in name.parts):
            whole.update(f"{name.as_posix()}\0{sha256(path)}\n".encode())
    return whole.hexdigest()
