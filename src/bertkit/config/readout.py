"""What of a network an answer needs: which rows, through which head, pooled how."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from bertkit.config.pooling import Part, Pooling, parts_of

Rows = Literal["sequence", "token", "mask"]
MASKED_LM = "masked-lm"  # the one head that gives a number for every token of the vocabulary


@dataclass(frozen=True, slots=True)
class Readout:
    """What is read of a network: all that a back end must know of a task, and all that a task knows of a network.

    Attributes:
        rows: a row of output for each sequence, for each token, or for the tokens that the batch names (the masks).
        head: which of a family's heads the rows go through; None gives the encoder's own vectors.
        classes: numbers that the head gives for each row; 0 where that is the vocabulary, or there is no head.
        pooling: of rows of sequences without a head: how their tokens become one vector; several are put side by side.
        skip: tokens at the beginning that are not pooled, a prompt's. Outputs are then given twice, with and without.
        top_k: of each row only so many: the likeliest, their probabilities and their numbers. 0 gives logits of all.
        chosen: of which numbers alone, whose probabilities stay those among all; none chooses among all.
    """

    rows: Rows
    head: str | None = None
    classes: int = 0
    pooling: tuple[Pooling, ...] = ()
    skip: int = 0
    top_k: int = 0
    chosen: tuple[int, ...] = ()

    @property
    def parts(self) -> tuple[Part, ...]:
        """What of a pooling is given: numbers by which windows of a long text can be merged."""
        return parts_of(self.pooling)

    def count(self, tokens: int, named: int) -> int:
        """Rows of output that a sequence gives.

        Args:
            tokens: how many it has.
            named: how many of them the batch names.
        """
        return {"sequence": 1, "token": tokens, "mask": named}[self.rows]


@dataclass(frozen=True, slots=True)
class Final:
    """What a task makes of the outputs of one text, where that is a function of them alone: exported programs give it.

    Attributes:
        activation: `softmax` over the numbers of a row, `length` (a row of length 1), or a function of each number by
            itself, called as torch calls it, in small letters.
        temperature: what the numbers are divided by before.
        cut: of a row only so many numbers are given, the first ones; None gives all.
    """

    activation: str
    temperature: float = 1.0
    cut: int | None = None
