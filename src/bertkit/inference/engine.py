"""Runs windows of text through a back end, by token budget, and sorts the outputs back. Torch-free."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate

from bertkit.batching.grouping import group_by_tokens
from bertkit.batching.packed import PackedBatch
from bertkit.inference.backend import Backend, Outputs
from bertkit.tasks.contract import Task
from bertkit.tokenization.windows import Window


@dataclass(frozen=True, slots=True)
class PackedWindows:
    """Windows in one batch, and how many rows of output each has."""

    batch: PackedBatch
    counts: Sequence[int]


class Engine:
    """A back end, and how much it is given at once.

    Args:
        backend: computes the network that the task reads.
        batch_tokens: most tokens of one batch.
    """

    def __init__(self, backend: Backend, task: Task, batch_tokens: int) -> None:
        self.backend = backend
        self.task = task
        self.batch_tokens = batch_tokens

    def run(self, windows: Sequence[Window]) -> list[Outputs]:
        """The outputs for each window, in the order given, float32."""
        outputs: list[Outputs] = [()] * len(windows)
        lengths = [len(window.ids) for window in windows]
        for indices in group_by_tokens(lengths, self.batch_tokens, self.backend.shape.cost):
            for index, output in zip(indices, self._run_batch([windows[i] for i in indices]), strict=True):
                outputs[index] = output
        return outputs

    def _run_batch(self, windows: Sequence[Window]) -> list[Outputs]:
        return self.compute(self.pack(windows))

    def pack(self, windows: Sequence[Window]) -> PackedWindows:
        """One batch of these windows, ready to be computed."""
        readout = self.task.readout
        named = [self.task.named(window) for window in windows] if readout.rows == "mask" else None
        batch = PackedBatch.of([w.ids for w in windows], [w.segments for w in windows], named)
        counts = [
            readout.count(length, 0 if named is None else len(named[place]))
            for place, length in enumerate(batch.lengths)
        ]
        return PackedWindows(batch, counts)

    def compute(self, packed: PackedWindows) -> list[Outputs]:
        """The outputs for each window of a batch, float32."""
        parts = self.backend.run(packed.batch)
        stops = list(accumulate(packed.counts))
        spans = list(zip(packed.counts, stops, strict=True))
        return [tuple(part[stop - count : stop] for part in parts) for count, stop in spans]
