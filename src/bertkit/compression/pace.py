"""How fast models answer: tokens a second over some rows, and the time of one row alone, in turns."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import numpy as np

from bertkit.formats.row import Row

if TYPE_CHECKING:
    from bertkit.inference.model import Model

ROUNDS = 3
ALONE = 30  # rows that are answered one by one


@dataclass(frozen=True, slots=True)
class Pace:
    """Of one model.

    Attributes:
        tokens_per_second: over all rows, the best of a few rounds.
        p50_ms, p95_ms: of one row alone.
    """

    tokens_per_second: float
    p50_ms: float
    p95_ms: float

    def record(self) -> dict[str, object]:
        """The facts as JSON values."""
        return asdict(self)


def paces(models: Sequence[Model], rows: Sequence[Row], clock: Callable[[], float] = time.perf_counter) -> list[Pace]:
    """Of each model on the same rows; they take turns, so that what else the machine does meets all alike."""
    tokens = 0
    for model in models:
        tokens = sum(int(str(answer.record()["input_tokens"])) for answer in model.stream(rows))  # compiles too
    whole = [
        min(round) for round in zip(*[[_seconds(m, rows, clock) for m in models] for _ in range(ROUNDS)], strict=True)
    ]
    alone = [[_seconds(model, [row], clock) for model in models] for row in rows[:ALONE]]
    return [
        Pace(tokens / max(seconds, 1e-9), *(float(np.quantile(times, q)) * 1000 for q in (0.5, 0.95)))
        for seconds, times in zip(whole, zip(*alone, strict=True), strict=True)
    ]


def _seconds(model: Model, rows: Sequence[Row], clock: Callable[[], float]) -> float:
    began = clock()
    for _ in model.stream(rows):
        pass
    return clock() - began
