"""Who is told what happens in a run: the metrics file, TensorBoard, the terminal."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

Record = Mapping[str, object]


class StepObserver(Protocol):
    """Takes the records of a run, in the order in which they happen.

    A record is JSON: `step`, and one of
        the measures of the steps since the last one (`seconds` since the run began, `loss`, `fill-mask/loss`, …);
        `evaluation`: measures of the held-out data, by name;
        `skipped`: why a step was left out, with `batch`, the file of what it read;
        `loss_scale`: by what the loss is now multiplied, after a gradient in float16 was too large to be written;
        `split`: into how many micro-batches one is now divided, after the device ran out of memory.
    """

    def on_record(self, record: Record) -> None:
        """Take one record."""
