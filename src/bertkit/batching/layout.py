"""Where the sequences of a batch are among its tokens: end to end, or each in a row of its own, filled up with padding.

The two kinds are asked the same questions, and nobody but `model/attend.py` asks which it is. End to end is how bertkit
computes. Padded is its twin of static shapes: a program that is exported cannot go through a list of lengths, and tests
compare the two.

Shapes: `T` tokens of the batch, `B` sequences, `L` tokens of the longest, `…` what each token has.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import accumulate, groupby
from typing import Literal

import torch
from torch import Tensor

# The sum or the largest of a sequence's tokens, their sum `weighted` by position from 1, the `first` or the `last` one.
Reduction = Literal["sum", "weighted", "max", "first", "last"]
Move = Callable[[Tensor], Tensor]


class Layout(ABC):
    """Where each sequence of a batch begins and ends. All that attention and pooling need to know."""

    @property
    @abstractmethod
    def lengths(self) -> tuple[int, ...]:
        """Tokens of each sequence, on the host."""

    @property
    @abstractmethod
    def starts(self) -> tuple[int, ...]:
        """Index of each sequence's first token, on the host."""

    @property
    @abstractmethod
    def lengths_B(self) -> Tensor:
        """Tokens of each sequence, (B,), on the device of the tokens."""

    @property
    @abstractmethod
    def first_B(self) -> Tensor:
        """Index of each sequence's first token, (B,)."""

    @property
    @abstractmethod
    def max_length(self) -> int:
        """L, the tokens of the longest sequence that there can be."""

    @abstractmethod
    def moved(self, move: Move) -> Layout:
        """The same, what is on the device moved to another."""

    @abstractmethod
    def filled(self, size: Callable[[int], int]) -> Layout:
        """The same sequences, and others behind them, none longer than the longest, up to the size that T gets."""

    @abstractmethod
    def _fold(self, x_T: Tensor, how: Literal["sum", "weighted", "max"], skip: int) -> Tensor:
        """As `reduce`."""

    def __repr__(self) -> str:
        """How much there is of what, not which."""
        return f"{type(self).__name__}({self.shown()})"

    def shown(self) -> str:
        """How much there is, in words."""
        lengths = self.lengths
        return f"{len(lengths):,} sequences, {sum(lengths):,} tokens, the longest {max(lengths, default=0):,}"

    def tokens_of(self, sequence: int) -> slice:
        """Where the tokens of one sequence are."""
        start = self.starts[sequence]
        return slice(start, start + self.lengths[sequence])

    def skipped_B(self, skip: int) -> Tensor:
        """How many tokens of each sequence do not count where the first `skip` do not: the last always does."""
        return self.lengths_B.sub(1).clamp(max=skip)

    def reduce(self, x_T: Tensor, how: Reduction, skip: int = 0) -> Tensor:
        """One row of each sequence's tokens, (T, …) to (B, …), at least float32.

        Args:
            skip: tokens at the beginning of each sequence that do not count; the last one always does. Positions stay.
        """
        if how == "first":
            return x_T[self.first_B + self.skipped_B(skip)].float()
        if how == "last":
            return x_T[self.first_B + self.lengths_B - 1].float()
        return self._fold(x_T, how, skip)


@dataclass(frozen=True, slots=True)
class EqualLengths:
    """Neighbouring sequences of one length: `count` sequences of `length` tokens, the first token at `start`."""

    start: int
    count: int
    length: int

    @property
    def tokens(self) -> slice:
        """Where the run's tokens are."""
        return slice(self.start, self.start + self.count * self.length)

    def each(self) -> Iterator[EqualLengths]:
        """Its sequences, each a run of its own."""
        return (EqualLengths(self.start + i * self.length, 1, self.length) for i in range(self.count))


@dataclass(frozen=True, slots=True, repr=False)
class PackedLayout(Layout):
    """Sequences end to end, without padding.

    Attributes:
        lengths: on the host, so that nobody waits for a device to learn them.
        cu_lengths_B1: cumulative lengths, (B + 1,) int32, on the device of the tokens.
    """

    lengths: tuple[int, ...] = field()  # else the abstract property would be taken for its default
    cu_lengths_B1: Tensor

    @classmethod
    def of(cls, lengths: Sequence[int], device: torch.device | str = "cpu") -> PackedLayout:
        """The layout of sequences of these lengths."""
        cumulative = torch.tensor([0, *accumulate(lengths)], dtype=torch.int32)
        return cls(tuple(lengths), cumulative.to(device, non_blocking=True))

    @property
    def starts(self) -> tuple[int, ...]:
        """Index of each sequence's first token, on the host."""
        return tuple(accumulate(self.lengths[:-1], initial=0)) if self.lengths else ()

    @property
    def lengths_B(self) -> Tensor:
        """Tokens of each sequence, (B,)."""
        return self.cu_lengths_B1.diff()

    @property
    def first_B(self) -> Tensor:
        """Index of each sequence's first token, (B,)."""
        return self.cu_lengths_B1[:-1]

    @property
    def max_length(self) -> int:
        """Tokens of the longest sequence."""
        return max(self.lengths)

    def moved(self, move: Move) -> PackedLayout:
        """The same on another device."""
        return PackedLayout(self.lengths, move(self.cu_lengths_B1))

    def filled(self, size: Callable[[int], int]) -> PackedLayout:
        """With more sequences behind these, up to so many tokens."""
        count, longest = sum(self.lengths), self.max_length
        spare = size(count) - count
        more = [min(longest, spare - start) for start in range(0, spare, longest)]
        return PackedLayout.of([*self.lengths, *more], self.cu_lengths_B1.device) if more else self

    def runs(self) -> Iterator[EqualLengths]:
        """The sequences in order, neighbours of equal length taken together: a run is a plain (count, length) block."""
        start = 0
        for length, group in groupby(self.lengths):
            run = EqualLengths(start, sum(1 for _ in group), length)
            yield run
            start = run.tokens.stop

    def _fold(self, x_T: Tensor, how: Literal["sum", "weighted", "max"], skip: int) -> Tensor:
        """A run at a time: a row is added up in the same order whatever else is in the batch."""
        rows = []
        for run in self.runs():
            skipped = min(skip, run.length - 1)
            block_BL = x_T[run.tokens].view(run.count, run.length, *x_T.shape[1:])[:, skipped:].float()
            rows.append(_folded(block_BL, how, skipped))
        return torch.cat(rows)


@dataclass(frozen=True, slots=True, repr=False)
class PaddedLayout(Layout):
    """Sequences in rows of one length: the tokens of each stand first, then padding.

    Rows of padding are computed like any other, and nobody reads them: every sequence's result is the same whatever
    they hold. Every number on the host (`lengths`, `starts`) waits for the device; what a program that is exported asks
    for does not.

    Attributes:
        mask_BL: true where there is a token. The first of each row always is: a row without one computes the numbers of
            nothing, where it would have none.
    """

    mask_BL: Tensor

    @classmethod
    def of(cls, mask_BL: Tensor) -> PaddedLayout:
        """The layout of tokens where this mask, of any type, is not zero."""
        place_L = torch.arange(mask_BL.shape[1], device=mask_BL.device)
        return cls((mask_BL != 0) | (place_L == 0))

    @property
    def lengths(self) -> tuple[int, ...]:
        """Tokens of each sequence, on the host."""
        return tuple(self.lengths_B.tolist())

    @property
    def starts(self) -> tuple[int, ...]:
        """Index of each sequence's first token, on the host."""
        return tuple(self.first_B.tolist())

    @property
    def lengths_B(self) -> Tensor:
        """Tokens of each sequence, (B,)."""
        return self.mask_BL.sum(dim=1)

    @property
    def first_B(self) -> Tensor:
        """Index of each sequence's first token, (B,)."""
        rows, length = self.mask_BL.shape
        return torch.arange(rows, device=self.mask_BL.device) * length

    @property
    def max_length(self) -> int:
        """Tokens of a row."""
        return self.mask_BL.shape[1]

    def moved(self, move: Move) -> PaddedLayout:
        """The same on another device."""
        return PaddedLayout(move(self.mask_BL))

    def filled(self, size: Callable[[int], int]) -> PaddedLayout:
        """The same: who pads has chosen the size."""
        return self

    def _fold(self, x_T: Tensor, how: Literal["sum", "weighted", "max"], skip: int) -> Tensor:
        x_BL = x_T.unflatten(0, self.mask_BL.shape).float()  # type: ignore[no-untyped-call]
        counts_BL = self.mask_BL & (self._place_L >= self.skipped_B(skip)[:, None])
        # Filled, not multiplied: a row that nobody wanted is NaN.
        nothing = -torch.inf if how == "max" else 0.0
        return _folded(x_BL.masked_fill(~_beside(counts_BL, x_BL), nothing), how)

    @property
    def _place_L(self) -> Tensor:
        return torch.arange(self.mask_BL.shape[1], device=self.mask_BL.device)


def _folded(x_BL: Tensor, how: Literal["sum", "weighted", "max"], skipped: int = 0) -> Tensor:
    """(B, L, …) to (B, …).

    Args:
        skipped: tokens before these, which count for the positions.
    """
    if how == "max":
        return x_BL.amax(dim=1)
    if how == "weighted":
        place_L = torch.arange(skipped + 1, skipped + 1 + x_BL.shape[1], device=x_BL.device)
        x_BL = x_BL * _beside(place_L[None], x_BL)
    return x_BL.sum(dim=1)


def _beside(numbers_BL: Tensor, x_BL: Tensor) -> Tensor:
    """Numbers of tokens as they stand beside all that each token has, (B, L, 1 …)."""
    return numbers_BL.view(*numbers_BL.shape, *[1] * (x_BL.ndim - 2))
