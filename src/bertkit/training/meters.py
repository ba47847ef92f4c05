"""Sums up the steps since the last record: mean losses over all ranks, speed, memory."""

from __future__ import annotations

import math
import resource
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

import torch

from bertkit.objectives.masked_lm import MaskedLM
from bertkit.optimisation.optimisers import encoder_rate
from bertkit.planner.compute import training_flops
from bertkit.training.evaluation import means
from bertkit.training.peak import matmul_peak
from bertkit.training.ranks import Ranks
from bertkit.training.step import AUTOCAST, StepResult, Sums

if TYPE_CHECKING:
    from bertkit.training.assembly import TrainingModel
    from bertkit.training.state import Progress


class Meters:
    """Adds up steps on the device, and looks at the sums only when a record is made.

    Args:
        weights: of the objectives in the loss.
        learning_rate: the present one.
        flops: operations of a step, given the lengths of its sequences and the targets of each objective.
        peak: operations a second that all ranks together could do.
    """

    def __init__(
        self,
        ranks: Ranks,
        weights: Mapping[str, float],
        learning_rate: Callable[[], float],
        flops: Callable[[Sequence[int], Mapping[str, float]], float],
        peak: float,
    ) -> None:
        self._ranks = ranks
        self._weights = weights
        self._learning_rate = learning_rate
        self._flops = flops
        self._peak = peak
        self._clear()
        self.begin()

    def begin(self) -> None:
        """Start the clock."""
        self._clock = time.perf_counter()

    def leave_out(self, seconds: float) -> None:
        """Do not count these last seconds as training."""
        self._clock += seconds

    def read_clock(self, progress: Progress) -> float:
        """Adds the seconds since the last reading to the progress, and returns them."""
        now = time.perf_counter()
        seconds, self._clock = now - self._clock, now
        progress.seconds += seconds
        self._seconds += seconds
        return self._seconds

    def add(self, done: StepResult, lengths: Sequence[int]) -> None:
        """One step."""
        for name, value in done.sums.items():
            self._sums[name] = self._sums[name] + value if name in self._sums else value
        for name, count in done.counts.items():
            self._counts[name] = self._counts.get(name, 0.0) + count
        self._tokens += sum(lengths)
        if not done.overflowed:
            self._norms.append(done.gradient_norm)
        self._operations += self._flops(lengths, done.counts)

    def take(self, progress: Progress) -> dict[str, object]:
        """The record of the steps since the last one. All ranks call this."""
        seconds = max(self.read_clock(progress), 1e-9)
        totals = self._ranks.sums({name: float(value) for name, value in self._sums.items()})
        targets = {f"{name}/targets": count for name, count in self._counts.items()}
        measures = means({**targets, **totals})
        loss = sum(weight * measures[f"{name}/loss"] for name, weight in self._weights.items())
        record: dict[str, object] = {
            "step": progress.step,
            "seconds": round(progress.seconds, 3),
            "tokens": progress.tokens,
            "sequences": progress.sequences,
            "loss": loss,
            **measures,
            "learning_rate": self._learning_rate(),
            "gradient_norm": sum(self._norms) / len(self._norms) if self._norms else math.nan,
            "tokens_per_second": round(self._tokens / seconds, 1),
            "peak_share": round(self._operations / seconds / self._peak, 4),
            "memory_bytes": memory_bytes(self._ranks.device),
        }
        self._clear()
        return record

    def _clear(self) -> None:
        self._sums: Sums = {}
        self._counts: dict[str, float] = {}
        self._norms: list[float] = []
        self._tokens = 0
        self._operations = 0.0
        self._seconds = 0.0


def memory_bytes(device: torch.device) -> int:
    """The most memory that this process has had: on its GPU, else on the host."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device)
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def build_meters(model: TrainingModel, optimiser: torch.optim.Optimizer, ranks: Ranks, precision: str) -> Meters:
    """What measures the steps of a model."""
    dtype = AUTOCAST.get(precision, torch.float32 if precision == "float32" else torch.bfloat16)
    return Meters(
        ranks,
        model.weights,
        learning_rate=lambda: encoder_rate(optimiser),
        flops=lambda lengths, counts: training_flops(
            model.config, lengths, masked=int(counts.get(MaskedLM.name, 0.0)), sequences=len(lengths)
        ),
        peak=matmul_peak(ranks.device, dtype) * ranks.count,
    )
