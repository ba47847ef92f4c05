from __future__ import annotations

import math

from bertkit.config.finetuning import FinetuneConfig
from bertkit.config.search import SearchTable
from bertkit.config.strict import parse
from bertkit.runs.random_search import trial

VALUES = {"task": {"name": "text-classification"}, "data": {"train": "a.csv"}, "run": {"directory": "run"}}
CONFIG = parse(FinetuneConfig, VALUES, "the test")


def test_trials_are_spread_over_the_space() -> None:
    runs = [trial(CONFIG, SearchTable(), 1e-4, number).train for number in range(1, 201)]
    rates = [run.optimiser.learning_rate or 0.0 for run in runs]
    assert 3e-5 <= min(rates) < 4e-5
    assert 2.5e-4 < max(rates) <= 3e-4
    below = sum(rate < 3e-5 * math.sqrt(10) for rate in rates)
    assert 75 < below < 125, "as many in each half, by the logarithm"
    pairs = {(run.epochs, run.batch_samples) for run in runs}
    assert pairs == {(epochs, batch) for epochs in (2.0, 3.0, 5.0) for batch in (16, 32, 64)}


def test_a_trial_is_what_it_is_whatever_else_is_tried() -> None:
    assert trial(CONFIG, SearchTable(), 1e-4, 0) is CONFIG
    assert trial(CONFIG, SearchTable(), 1e-4, 7) == trial(CONFIG, SearchTable(), 1e-4, 7)
    other = parse(FinetuneConfig, {**VALUES, "train": {"seed": 1}}, "the test")
    assert trial(other, SearchTable(), 1e-4, 7).train.optimiser != trial(CONFIG, SearchTable(), 1e-4, 7).train.optimiser
