"""A small encoder, and texts and sentences that it learns in a moment."""

from __future__ import annotations

from pathlib import Path

from tests.parity.bert_peer import Sizes, make_peer

GOOD, BAD = ("w1", "w2", "w3"), ("w21", "w22", "w23")
TEXTS = [
    f"{word} {word} {other}" for words in (GOOD, BAD) for word in words for other in ("w31", "w32", "w33", "w34", "w35")
]
LABELS = ["good"] * 15 + ["bad"] * 15
SENTENCES = [[word, other, "w40"] for words in (GOOD, BAD) for word in words for other in ("w31", "w32", "w33", "w34")]
TAGS = [["B-PER", "I-PER", "O"]] * 12 + [["B-LOC", "O", "O"]] * 12


def small_encoder(folder: Path) -> str:
    make_peer(Sizes(), folder)
    return str(folder)
