"""feature-extraction: the hidden state of every token."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from bertkit.config.readout import Readout
from bertkit.tasks.contract import Array, Outcome, Reading, Result, Task


@dataclass(frozen=True, kw_only=True)
class TokenVectors(Result):
    """One vector a token.

    Attributes:
        tokens: the pieces, special tokens included.
        offsets: where each piece is in the user's text, in code points; (0, 0) for special tokens.
        vectors: (tokens, W) float32.
    """

    tokens: list[str]
    offsets: list[tuple[int, int]]
    vectors: Array

    def answer(self) -> dict[str, object]:
        """`{"tokens": […], "offsets": [[s, e]…], "vectors": [[…]…]}`."""
        return {
            "tokens": self.tokens,
            "offsets": [list(offset) for offset in self.offsets],
            "vectors": self.vectors.tolist(),
        }


class FeatureExtraction(Task):
    """The last layer's hidden states; in a long text each from the window that shows most of the token's context."""

    name: ClassVar[str] = "feature-extraction"
    needs_offsets: ClassVar[bool] = True
    overlap: ClassVar[float | None] = 0.25

    @property
    def readout(self) -> Readout:
        """The hidden states as they are, (R, W)."""
        return Readout("token")

    def decode(self, outcomes: Sequence[Outcome], reading: Reading) -> TokenVectors:
        """Every token once, from the window that owns it; special tokens from the first and the last window."""
        (outcome,) = outcomes
        windows = outcome.encoded.windows
        ids: list[int] = []
        offsets: list[tuple[int, int]] = []
        vectors = []
        for window, (vectors_LW,) in zip(windows, outcome.outputs, strict=True):
            assert window.offsets is not None
            start = window.owned[-1].start if ids else 0
            end = len(window.ids) if window is windows[-1] else window.owned[-1].stop
            ids += window.ids[start:end]
            offsets += window.offsets[start:end]
            vectors.append(vectors_LW[start:end])
        tokens = [self.tokenizer.token(id) for id in ids]
        return TokenVectors(tokens=tokens, offsets=offsets, vectors=np.concatenate(vectors), reading=reading)
