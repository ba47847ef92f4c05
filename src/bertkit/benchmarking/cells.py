"""What a benchmark measures: cells of work, precision, lengths and batch, and the texts that each has. Torch-free."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from typing import Literal, get_args

from bertkit.errors import UserError, near_match

Kind = Literal["inference", "training"]
Size = Literal["1", "best"]
KINDS: tuple[Kind, ...] = get_args(Kind)
SIZES: tuple[Size, ...] = get_args(Size)
PRECISIONS = ("float32", "bfloat16", "float16", "int8")
MIXED = "mixed"
# As real texts are: log-normal, most of them short (mean about 52 tokens).
MIXED_MU, MIXED_SIGMA, MIXED_SHORTEST, MIXED_LONGEST = 3.7, 0.8, 8, 256
MIXED_TEXTS, QUICK_MIXED_TEXTS = 64, 16  # of a round; one by one, fewer
MIXED_SINGLE_TEXTS = 8

Batches = list[list[int]]  # a batch is the lengths of its sequences, in tokens


@dataclass(frozen=True, slots=True)
class Cell:
    """One thing that is measured.

    Attributes:
        lengths: a number of tokens, or `mixed`.
        size: one text at a time, or the batch that a trial shows to be the fastest.
    """

    kind: Kind
    precision: str
    lengths: str
    size: Size

    @property
    def key(self) -> str:
        """In words, which name it in a file."""
        return f"{self.kind} {self.precision} {self.lengths} {self.size}"


def cells(kinds: Sequence[str], precisions: Sequence[str], lengths: Sequence[str], sizes: Sequence[str]) -> list[Cell]:
    """Every combination; training is not of one text at a time.

    Raises:
        UserError: a name that is none.
    """
    for given, known in ((kinds, KINDS), (precisions, PRECISIONS), (sizes, SIZES)):
        for one in given:
            if one not in known:
                raise UserError(f"unknown {one!r}{near_match(one, known)}", f"Choose {' or '.join(known)}.")
    for one in lengths:
        if one != MIXED and not (one.isdecimal() and int(one) > 0):
            raise UserError(f"lengths {one!r}: neither a number nor {MIXED!r}", "Such as --lengths 128,512,mixed.")
    return [
        Cell(kind, precision, length, size)  # type: ignore[arg-type]
        for kind, precision, length, size in product(kinds, precisions, lengths, sizes)
        if not (kind == "training" and size == "1")
    ]


def texts_of_round(cell: Cell, batch: int, turn: int, longest: int, texts: int = MIXED_TEXTS) -> Batches:
    """The batches of one round.

    Mixed lengths are new in every round, so that whoever compiles for a length has not met it before, and sorted, so
    that texts of like lengths share a batch and whoever pads is at his best.

    Args:
        batch: sequences of a batch.
        turn: which round it is.
        longest: tokens that the model reads.
        texts: of a round of mixed lengths, in batches.
    """
    if cell.lengths != MIXED:
        return [[min(int(cell.lengths), longest)] * batch]
    count = MIXED_SINGLE_TEXTS if cell.size == "1" else max(batch, texts)
    chance = random.Random(turn)
    drawn = [round(chance.lognormvariate(MIXED_MU, MIXED_SIGMA)) for _ in range(count)]
    lengths = sorted(min(MIXED_LONGEST, longest, max(MIXED_SHORTEST, one)) for one in drawn)
    return [lengths[start : start + batch] for start in range(0, count, batch)]


def tokens_of(batches: Batches) -> int:
    """Useful ones: padding is not counted, whoever needs it."""
    return sum(map(sum, batches))
