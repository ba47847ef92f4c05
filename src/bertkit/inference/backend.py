"""What computes a network: torch here, and whatever else a model was taken to. Torch-free."""

from __future__ import annotations

from abc import ABC, abstractmethod
from bisect import bisect_left
from dataclasses import dataclass

from bertkit.batching.packed import PackedBatch
from bertkit.tasks.contract import Array

Outputs = tuple[Array, ...]


@dataclass(frozen=True, slots=True)
class BatchShape:
    """What batches a back end takes, and so what one costs.

    Attributes:
        buckets: the lengths that rows are padded to, ascending, of a back end whose shapes are fixed; none where
            sequences are packed.
    """

    buckets: tuple[int, ...] = ()

    def cost(self, length: int, longest: int) -> int:
        """Tokens that are computed for a sequence: its own, or those of a row of the block that it is padded to.

        Args:
            longest: of the batch that it is in.
        """
        if not self.buckets:
            return length
        return self.buckets[min(bisect_left(self.buckets, longest), len(self.buckets) - 1)]


PACKED = BatchShape()


class Backend(ABC):
    """Runs packed batches. Each subclass knows its own library, and nobody else does.

    Attributes:
        shape: which batches it takes.
        dtype: the precision that it computes in, for records.
        device: what it computes on.
    """

    shape: BatchShape = PACKED
    dtype: str
    device: str

    @abstractmethod
    def run(self, batch: PackedBatch) -> Outputs:
        """The network's outputs, float32 arrays whose first axis is R: what the task's `Readout` says, in order."""

    def blame(self) -> str:
        """Which of the weights is to blame for outputs that are not finite, in words; empty where nobody knows."""
        return ""

    def close(self) -> None:
        """Let go of what it holds."""
        return
