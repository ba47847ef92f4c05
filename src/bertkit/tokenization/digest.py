"""The fingerprint of a vocabulary, by which data and checkpoints know that they belong together."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable


def vocab_sha256(tokens: Iterable[str]) -> str:
    r"""SHA-256 of the tokens in the order of their ids, each followed by `\n`: 64 hexadecimal digits.

    For a WordPiece vocabulary that is the SHA-256 of its `vocab.txt` as bertkit writes it.
    """
    digest = hashlib.sha256()
    for token in tokens:
        digest.update(token.encode("utf-8") + b"\n")
    return digest.hexdigest()
