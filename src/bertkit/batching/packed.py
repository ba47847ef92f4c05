"""Packed batches in numpy: what a back end computes from, and what training reads. Torch-free."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate, chain
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

Ids = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class PackedBatch:
    """Sequences end to end, for a network to read.

    Attributes:
        ids_T: packed token ids.
        segments_T, positions_T: segment ids, and positions counted from each sequence's beginning.
        lengths: tokens of each sequence.
        output_indices_M: of the T tokens those that have a row of output each, ascending, where not all have.
    """

    ids_T: Ids
    segments_T: Ids
    positions_T: Ids
    lengths: tuple[int, ...]
    output_indices_M: Ids | None = None

    @classmethod
    def of(
        cls,
        ids: Sequence[Sequence[int]],
        segments: Sequence[Sequence[int]],
        named: Sequence[Sequence[int]] | None = None,
    ) -> PackedBatch:
        """One batch of these sequences, in this order.

        Args:
            named: of each sequence the positions of the tokens that have a row of output; None where rows are of
                sequences, or of all tokens.

        Raises:
            ValueError: a sequence is empty, or its ids and segments differ in number.
        """
        lengths = [len(sequence) for sequence in ids]
        if not lengths or min(lengths) == 0 or lengths != [len(sequence) for sequence in segments]:
            raise ValueError("every sequence needs at least one token, and a segment for each token")
        length_B = np.array(lengths)
        ids_T, segments_T = (
            np.fromiter(chain.from_iterable(each), np.int64, length_B.sum()) for each in (ids, segments)
        )
        indices_M = None
        if named is not None:
            starts = accumulate(lengths, initial=0)
            places = [start + place for start, one in zip(starts, named, strict=False) for place in one]
            indices_M = np.array(places, np.int64)
        return cls(ids_T, segments_T, positions_of(length_B), tuple(lengths), indices_M)

    def only(self, numbers: Sequence[int]) -> PackedBatch:
        """Some of its sequences, at least one, in the order given; none of their tokens is named."""
        starts = np.cumsum(self.lengths) - self.lengths
        kept_T = np.concatenate([np.arange(starts[one], starts[one] + self.lengths[one]) for one in numbers])
        parts = (self.ids_T[kept_T], self.segments_T[kept_T], self.positions_T[kept_T])
        return PackedBatch(*parts, tuple(self.lengths[one] for one in numbers))


@dataclass(frozen=True, slots=True)
class Packed:
    """A micro-batch in numpy.

    Attributes:
        ids_T: packed ids, masks in their places.
        segments_T, positions_T: segment ids, and positions counted from each sequence's beginning.
        lengths: tokens of each sequence.
        targets: what is to be predicted, by name; see `TrainingBatch`.
    """

    ids_T: Ids
    segments_T: Ids
    positions_T: Ids
    lengths: tuple[int, ...]
    targets: Mapping[str, npt.NDArray[Any]]


class GlobalBatch(Protocol):
    """The samples of one step, over all ranks and micro-batches. What is not packed costs nothing.

    A sample is what must stay in one micro-batch: one sequence, or the few that are compared with one another.

    Attributes:
        lengths: tokens of each sample.
    """

    @property
    def lengths(self) -> tuple[int, ...]: ...

    def pack(self, indices: Sequence[int]) -> Packed:
        """These samples, packed. A sample is the same whichever others are packed with it."""
        ...


def positions_of(lengths: npt.NDArray[np.int64]) -> Ids:
    """Positions of packed tokens, counted from each sequence's beginning, (T,)."""
    starts_B = np.cumsum(lengths) - lengths
    return np.arange(int(lengths.sum())) - np.repeat(starts_B, lengths)
