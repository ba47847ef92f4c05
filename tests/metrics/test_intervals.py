from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import scipy.stats

from bertkit.errors import UserError
from bertkit.metrics.intervals import Comparison, Interval, Places, comparisons_of, intervals_of, over_seeds

Metric = Callable[[Places], float]


def over_examples(metric: Metric, examples: int, **how: int) -> Interval:
    return intervals_of(lambda places: {"it": metric(places)}, examples, **how)["it"]


def paired_bootstrap(first: Metric, second: Metric, examples: int) -> Comparison:
    one, other = (lambda places: {"it": first(places)}), (lambda places: {"it": second(places)})
    return comparisons_of(one, other, examples)["it"]


def test_seeds_as_scipy() -> None:
    values = [0.81, 0.84, 0.79, 0.83, 0.86]
    found = over_seeds(values)
    low, high = scipy.stats.t.interval(0.95, 4, loc=np.mean(values), scale=scipy.stats.sem(values))
    assert (found.value, found.deviation) == pytest.approx((np.mean(values), np.std(values, ddof=1)))
    assert (found.low, found.high) == pytest.approx((low, high))


def test_one_seed_says_nothing() -> None:
    with pytest.raises(UserError, match="over 1 seeds"):
        over_seeds([0.8])


def test_examples_of_an_accuracy() -> None:
    correct = np.arange(400) % 4 != 0

    def accuracy(places: Places) -> float:
        return float(correct[places].mean())

    found = over_examples(accuracy, 400, resamples=2000)
    assert found.value == 0.75
    assert found.deviation == pytest.approx(np.sqrt(0.75 * 0.25 / 400), rel=0.06)
    assert (found.low, found.high) == pytest.approx((0.7076, 0.7924), abs=0.006)  # 1.96 deviations
    assert found == over_examples(accuracy, 400, resamples=2000)
    assert found != over_examples(accuracy, 400, resamples=2000, seed=1)


def correct_as(*runs: tuple[int, bool]) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    return np.concatenate([np.full(count, value) for count, value in runs])


@pytest.mark.parametrize(("gained", "lost", "significant"), [(30, 5, True), (18, 15, False)])
def test_two_systems_as_the_sign_test(gained: int, lost: int, significant: bool) -> None:
    both = 200
    first = correct_as((both, True), (gained, True), (lost, False))
    second = correct_as((both, True), (gained, False), (lost, True))
    size = len(first)
    found = paired_bootstrap(lambda at: float(first[at].mean()), lambda at: float(second[at].mean()), size)
    assert found.difference == pytest.approx((gained - lost) / size)
    exact = scipy.stats.binomtest(gained, gained + lost, alternative="greater").pvalue
    assert found.p_value == pytest.approx(exact, abs=0.09)
    assert (found.p_value < 0.05) == (found.low > 0) == (found.wins > 0.95) == significant
    other = paired_bootstrap(lambda at: float(second[at].mean()), lambda at: float(first[at].mean()), size)
    assert (other.difference, other.wins, other.p_value) == (-found.difference, found.wins, found.p_value)


def test_the_same_system_twice() -> None:
    found = paired_bootstrap(lambda at: float(at.mean()), lambda at: float(at.mean()), 50)
    assert (found.difference, found.low, found.high, found.wins, found.p_value) == (0, 0, 0, 0, 1)
