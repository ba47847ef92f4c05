"""A run's measures as curves in TensorBoard. An optional observer: the package `tensorboard` is needed for it only."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

from bertkit.errors import UserError
from bertkit.runs.metrics_file import number_of, step_of
from bertkit.training.observer import Record

PLACES = ("step", "seconds")  # where a record stands, not what was measured there


class TensorBoard:
    """Writes every number of a record as one scalar: `train/…`, or `evaluation/…` for those of the held-out data.

    Args:
        folder: where the event files go; made where it is missing.
        purge_after: drop what an earlier session of the run wrote after this step.

    Raises:
        UserError: the package is not installed.
    """

    def __init__(self, folder: Path, purge_after: int | None = None) -> None:
        try:
            from torch.utils.tensorboard import SummaryWriter
        except ImportError:
            raise UserError(
                "TensorBoard is asked for, and the package tensorboard is not installed",
                "Run: pip install 'bertkit[tensorboard]', or set run.tensorboard = false.",
            ) from None
        purge_step = None if purge_after is None else purge_after + 1
        self._writer = SummaryWriter(str(folder), purge_step=purge_step)

    def on_record(self, record: Record) -> None:
        """Write the record's numbers at its step; what is not a number is left out."""
        self._write("train", record, step_of(record))
        measures = record.get("evaluation")
        if isinstance(measures, Mapping):
            self._write("evaluation", measures, step_of(record))
        self._writer.flush()

    def _write(self, group: str, measures: Record, step: int) -> None:
        for name in measures:
            value = number_of(measures, name)
            if value is not None and name not in PLACES:
                self._writer.add_scalar(f"{group}/{name}", value, step)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._writer.close()
