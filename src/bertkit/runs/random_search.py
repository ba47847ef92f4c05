"""The trials of a random search, each a function of the seed and its number: more trials change no earlier one."""

from __future__ import annotations

import math
from typing import TypeVar

from bertkit.batching.counter_random import integers, uniform
from bertkit.config.finetuning import FinetuneConfig
from bertkit.config.search import SearchTable

Value = TypeVar("Value")
AROUND = (0.3, 3.0)  # times the run's own learning rate


def trial(config: FinetuneConfig, space: SearchTable, rate: float, number: int) -> FinetuneConfig:
    """The run with the settings of one trial; the first is the run as it would be without a search.

    Args:
        rate: the run's own learning rate.
    """
    if number == 0:
        return config
    table = config.train
    low, high = map(math.log, space.learning_rate or (rate * factor for factor in AROUND))
    drawn = math.exp(low + (high - low) * float(uniform(table.seed, "search", "learning_rate", number)))
    optimiser = table.optimiser.model_copy(update={"learning_rate": float(f"{drawn:.3g}")})
    chosen = {
        "epochs": _one_of(space.epochs, table.seed, "epochs", number),
        "batch_samples": _one_of(space.batch_samples, table.seed, "batch_samples", number),
        "optimiser": optimiser,
    }
    return config.model_copy(update={"train": table.model_copy(update=chosen)})


def _one_of(values: list[Value], seed: int, name: str, number: int) -> Value:
    return values[int(integers(len(values), seed, "search", name, number))]
