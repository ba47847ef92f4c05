"""Packed tokens: many sequences end to end in one row, with no padding between them.

Shapes: `T` tokens of the batch, `B` sequences.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate, chain, groupby

import torch
from torch import Tensor


@dataclass(frozen=True, slots=True)
class Run:
    """Neighbouring sequences of one length: `count` sequences of `length` tokens, the first token at `start`."""

    start: int
    count: int
    length: int

    @property
    def tokens(self) -> slice:
        """Where the run's tokens are."""
        return slice(self.start, self.start + self.count * self.length)


@dataclass(frozen=True, slots=True)
class Layout:
    """Where each sequence of a batch begins and ends. All that attention and pooling need to know.

    Attributes:
        lengths: tokens of each sequence, on the host, so that nobody waits for a device to learn them.
        cu_lengths_B1: cumulative lengths, (B + 1,) int32, on the device of the tokens.
    """

    lengths: tuple[int, ...]
    cu_lengths_B1: Tensor

    def __repr__(self) -> str:
        """How much there is of what, not which."""
        return f"Layout({self._shown()})"

    def _shown(self) -> str:
        longest = max(self.lengths, default=0)
        return f"{len(self.lengths):,} sequences, {sum(self.lengths):,} tokens, the longest {longest:,}"

    @classmethod
    def of(cls, lengths: Sequence[int], device: torch.device | str = "cpu") -> Layout:
        """The layout of sequences of these lengths."""
        cumulative = torch.tensor([0, *accumulate(lengths)], dtype=torch.int32)
        return cls(tuple(lengths), cumulative.to(device, non_blocking=True))

    @property
    def max_length(self) -> int:
        """The longest sequence's tokens."""
        return max(self.lengths)

    @property
    def first_B(self) -> Tensor:
        """Index of each sequence's first token, (B,)."""
        return self.cu_lengths_B1[:-1]

    def runs(self) -> Iterator[Run]:
        """The sequences in order, neighbours of equal length taken together: a run is a plain (count, length) block."""
        start = 0
        for length, group in groupby(self.lengths):
            run = Run(start, sum(1 for _ in group), length)
            yield run
            start = run.tokens.stop


@dataclass(frozen=True, slots=True)
class TokenBatch:
    """Packed tokens. Padding is not a concept of the model.

    Attributes:
        ids_T: token ids.
        segments_T: segment (token type) ids.
        positions_T: position of each token in its own sequence, from 0.
        layout: where the sequences are.
    """

    ids_T: Tensor
    segments_T: Tensor
    positions_T: Tensor
    layout: Layout

    def __repr__(self) -> str:
        """How much there is of what, not which."""
        return f"TokenBatch({self.layout._shown()}, on {self.ids_T.device})"

    @classmethod
    def pack(
        cls, ids: Sequence[Sequence[int]], segments: Sequence[Sequence[int]], device: torch.device | str = "cpu"
    ) -> TokenBatch:
        """One batch of these sequences, in this order.

        Raises:
            ValueError: a sequence is empty, or its ids and segments differ in number.
        """
        lengths = [len(sequence) for sequence in ids]
        if not lengths or min(lengths) == 0 or lengths != [len(sequence) for sequence in segments]:
            raise ValueError("every sequence needs at least one token, and a segment for each token")
        tokens_3T = torch.tensor(
            [
                list(chain.from_iterable(ids)),
                list(chain.from_iterable(segments)),
                list(chain.from_iterable(range(length) for length in lengths)),
            ]
        ).to(device, non_blocking=True)
        ids_T, segments_T, positions_T = tokens_3T
        return cls(ids_T, segments_T, positions_T, Layout.of(lengths, device))
