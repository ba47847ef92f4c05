"""Whether a tokenizer tells upper from lower case, and how that is known."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import tokenizers


@dataclass(frozen=True, slots=True)
class Casing:
    """Cased or uncased with the reason; `str()` is one line for people."""

    cased: bool
    reason: str

    def __str__(self) -> str:
        return f"{'cased' if self.cased else 'uncased'} ({self.reason})"


def casing_of_backend(backend: tokenizers.Tokenizer, source: str) -> Casing:
    """What the normalizer of a finished tokenizer does to a capital letter."""
    cased = backend.normalizer is None or "A" in backend.normalizer.normalize_str("A")
    return Casing(cased, f"the normalizer of {source} {'keeps' if cased else 'lowers'} capital letters")


def casing_of_vocabulary(vocabulary: Mapping[str, int], source: str) -> Casing:
    """Cased when a piece changes in lower case; names such as `[CLS]` and `[unused1]` are not pieces of text."""
    for piece, id in vocabulary.items():
        if piece != piece.lower() and not (piece.startswith("[") and piece.endswith("]")):
            return Casing(True, f"line {id + 1} of {source} has a capital letter: {piece!r}")
    return Casing(False, f"no piece in {source} has a capital letter")
