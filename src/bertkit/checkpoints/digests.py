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
