from __future__ import annotations

import numpy as np
import pytest

from bertkit.compression.side_by_side import CascadeAnswers, LossCurve, jackknife_error
from bertkit.metrics.intervals import Metrics, Places
from bertkit.metrics.results import Prediction

EXAMPLES = 400


def answers(*odds: list[float]) -> CascadeAnswers:
    """Records that say how many windows are the student's."""
    return CascadeAnswers(
        [np.array(one) for one in odds],
        [[Prediction({"student": count}, "here") for count in range(len(one) + 1)] for one in odds],
    )


def test_each_bound_has_the_windows_above_it() -> None:
    found = answers([3.0], [1.0], [2.0, -np.inf])
    assert [one.record["student"] for one in found.at(np.array([2.5, 2.5, 1.5]))] == [1, 0, 1]
    assert (found.share(1.5), found.share(-5.0)) == (0.5, 0.75)
    assert found.bounds() == pytest.approx([2.5, 1.5, 0.999])


def test_bounds_are_few() -> None:
    found = answers(*[[number / 7] for number in range(1000)]).bounds()
    assert len(found) == 25
    assert found == sorted(found, reverse=True)


def right(is_right_N: list[bool]) -> Metrics:
    def at(places: Places) -> dict[str, float]:
        return {"accuracy": float(np.array(is_right_N)[places].mean())}

    return at


def curve(*wrong: int) -> LossCurve:
    """A teacher that is always right, and cascades with so many wrong answers, spread evenly."""
    after = [right([number % (EXAMPLES // max(one, 1)) != 1 or not one for number in range(EXAMPLES)]) for one in wrong]
    bounds = [float(-number) for number in range(len(wrong))]
    return LossCurve(bounds, right([True] * EXAMPLES), after, "accuracy", lambda fall: 100 * fall)


def test_the_lowest_bound_whose_loss_and_error_are_inside() -> None:
    places = np.arange(EXAMPLES)
    assert curve(0, 4, 20).lowest(places, 1.0) == 0.0  # of 400, 4 are 1 point, and the error comes on top
    assert curve(0, 4, 20).lowest(places, 1.9) == -1.0
    assert curve(0, 20, 0).lowest(places, 1.6) == 0.0  # what is lost on the way is not won back
    assert curve(4).lowest(places, 1.0) is None


def test_each_fifth_has_what_the_others_choose() -> None:
    assert curve(0, 4).crossed(EXAMPLES, 3.0).tolist() == [-1.0] * EXAMPLES
    assert np.isinf(curve(20).crossed(EXAMPLES, 1.0)).all()
    clustered = LossCurve(
        [0.0],
        right([True] * EXAMPLES),
        [right([number >= 4 for number in range(EXAMPLES)])],
        "accuracy",
        lambda x: 100 * x,
    )
    bound_N = clustered.crossed(EXAMPLES, 1.3)
    assert 0 < np.isinf(bound_N).sum() < EXAMPLES


def test_the_error_is_that_of_a_mean() -> None:
    values = np.random.default_rng(0).random(400)
    without = np.array([np.delete(values, np.s_[group::20]).mean() for group in range(20)])
    assert jackknife_error(without) == pytest.approx(values.std() / np.sqrt(400), rel=0.4)
