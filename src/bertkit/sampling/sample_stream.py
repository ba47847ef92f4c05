"""The endless stream of global batches that fine-tuning reads from samples in memory.

As in pre-training a batch is a function of the seed and a position alone. Shapes: `T` packed tokens, `B` sequences.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

import numpy as np
import numpy.typing as npt

from bertkit.batching.counter_random import mixed, uniform
from bertkit.batching.packed import GlobalBatch, Packed, positions_of
from bertkit.sampling.masked_batch import MaskedBatch
from bertkit.sampling.masking import MaskRules
from bertkit.sampling.stream import Position


@dataclass(frozen=True, slots=True)
class Sample:
    """What is learnt from at once: one sequence, or the few that are compared with one another.

    Attributes:
        ids: of each sequence, special tokens included.
        segments: of each sequence.
        targets: by name, arrays whose first axis is of the sample's tokens, of its sequences, of itself (1), or as long
            as another of them says. When samples are packed, arrays of one name are put end to end.
    """

    ids: tuple[list[int], ...]
    segments: tuple[list[int], ...]
    targets: Mapping[str, npt.NDArray[Any]]

    @property
    def tokens(self) -> int:
        """Of all its sequences."""
        return sum(map(len, self.ids))


class SampleBatch:
    """Samples of one step; a `GlobalBatch`."""

    lengths: tuple[int, ...]

    def __init__(self, samples: Sequence[Sample]) -> None:
        self._samples = samples
        self.lengths = tuple(sample.tokens for sample in samples)

    def pack(self, indices: Sequence[int]) -> Packed:
        """These samples, packed."""
        picked = [self._samples[index] for index in indices]
        ids = [sequence for sample in picked for sequence in sample.ids]
        segments = [sequence for sample in picked for sequence in sample.segments]
        lengths_B = np.array([len(sequence) for sequence in ids], dtype=np.int64)
        total = int(lengths_B.sum())
        return Packed(
            ids_T=np.fromiter(chain.from_iterable(ids), np.int64, total),
            segments_T=np.fromiter(chain.from_iterable(segments), np.int64, total),
            positions_T=positions_of(lengths_B),
            lengths=tuple(lengths_B.tolist()),
            targets={name: np.concatenate([one.targets[name] for one in picked]) for name in picked[0].targets},
        )


class SampleStream:
    """Batches of a fixed number of samples, in a new order in each epoch.

    Args:
        samples: at least one, all with targets of the same names.
        batch_samples: of one step, over all ranks; the last batch of an epoch may be smaller.
        masks: how samples are masked, which in each epoch are others; None where they have targets of their own.
    """

    def __init__(
        self, samples: Sequence[Sample], batch_samples: int, seed: int, masks: MaskRules | None = None
    ) -> None:
        self._samples = samples
        self._batch_samples = batch_samples
        self._seed = seed
        self._masks = masks

    def batches(self, position: Position) -> Iterator[tuple[GlobalBatch, Position]]:
        """The batches from a position on, without end, each with the position after it."""
        epoch, begin = position.epoch, position.sample
        while True:
            order = np.argsort(uniform(self._seed, "order", epoch, np.arange(len(self._samples))), kind="stable")
            while begin < len(order):
                end = min(begin + self._batch_samples, len(order))
                yield self._batch(epoch, order[begin:end]), Position(epoch, 0, end)
                begin = end
            epoch, begin = epoch + 1, 0

    def _batch(self, epoch: int, numbers_B: npt.NDArray[np.int64]) -> GlobalBatch:
        batch = SampleBatch([self._samples[number] for number in numbers_B])
        if self._masks is None:
            return batch
        return MaskedBatch(batch, mixed(self._seed, "masks", epoch, numbers_B), self._masks)
