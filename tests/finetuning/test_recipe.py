from __future__ import annotations

import pytest

from bertkit.config.finetuning import FinetuneConfig
from bertkit.config.strict import parse
from bertkit.finetuning.recipe import TrainingRecipe


def recipe(examples: int = 1_000, fitted: bool = True, **tables: object) -> TrainingRecipe:
    values = {"task": {"name": "text-classification"}, "data": {"train": "x.csv"}, "run": {"directory": "run"}}
    return TrainingRecipe.of(
        parse(FinetuneConfig, values | tables, "test"), examples=examples, width=768, fitted=fitted
    )


@pytest.mark.parametrize(("examples", "epochs"), [(1, 10), (540, 10), (1_500, 4), (15_000, 3), (1_000_000, 3)])
def test_few_examples_are_read_more_often(examples: int, epochs: int) -> None:
    found = recipe(examples)
    assert found.epochs == epochs
    assert found.why == f"{epochs} epochs, because {examples:,} examples"


def test_what_is_said_is_done() -> None:
    found = recipe(train={"epochs": 2.5, "patience": 0, "optimiser": {"learning_rate": 3e-4, "head_times": 2.0}})
    assert found == TrainingRecipe(epochs=2.5, learning_rate=3e-4, head_times=2.0, patience=None, why=None)


def test_epochs_that_nobody_asked_for_may_end_early() -> None:
    assert recipe().patience == 3
    assert recipe(train={"patience": 0}).patience is None
    assert recipe(train={"epochs": 10}).patience is None
    assert recipe(train={"epochs": 10, "patience": 5}).patience == 5


def test_rates() -> None:
    whole, part = recipe(), recipe(model={"head_only": True})
    assert part.learning_rate == pytest.approx(10 * whole.learning_rate)
    assert (whole.head_times, part.head_times, recipe(fitted=False).head_times) == (10.0, 1.0, 1.0)
