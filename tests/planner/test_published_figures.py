"""The planner against the world: the bounds that `python -m benchmarks.planner` reports."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from benchmarks.planner import BOUNDS, KEPT_DEVICES, Figure, error, is_kept, loss, misses, read_figures, summary
from bertkit.planner.speed import FITTED, constant_names

FIGURES = read_figures()


def test_there_are_enough_rows_of_enough_sources() -> None:
    assert len(FIGURES) >= 40
    assert len({figure.id for figure in FIGURES}) == len(FIGURES)
    assert len({figure.source for figure in FIGURES}) >= 8
    assert all(figure.source and figure.note for figure in FIGURES)


def test_nothing_kept_may_be_fitted_to() -> None:
    fitted = [figure for figure in FIGURES if figure.fits]
    assert not any(is_kept(figure.id) or figure.device.name in KEPT_DEVICES for figure in fitted)
    assert {figure.device.name for figure in FIGURES} >= KEPT_DEVICES
    assert len(misses(FIGURES, FITTED)) == len(fitted)
    assert not is_kept("")  # whose sha256 ends in 55


@pytest.mark.parametrize("name", constant_names())
def test_the_constants_are_the_best_of_the_rows_that_they_may_be_fitted_to(name: str) -> None:
    low, high = BOUNDS[name]
    best = loss(FIGURES, FITTED)
    for factor in (0.95, 1.05):
        moved = min(max(factor * getattr(FITTED, name), low), high)
        assert loss(FIGURES, replace(FITTED, **{name: moved})) > best - 1e-4 * best


def test_the_median_errors() -> None:
    found: Any = summary(FIGURES)
    assert found["kept rows"]["median"] <= 0.20
    assert found["kept devices"]["median"] <= 0.35


@pytest.mark.parametrize("figure", FIGURES, ids=lambda figure: figure.id)
def test_each_miss_is_explained(figure: Figure) -> None:
    assert abs(error(figure)) <= 0.4 or figure.explanation
