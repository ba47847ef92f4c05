"""What data gives to training, in numpy: global batches, and their parts packed. Torch-free."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

Ids = npt.NDArray[np.int64]


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
