from __future__ import annotations

from typing import Any

import pytest

from bertkit.errors import UserError
from bertkit.evaluation.held_out_loss import HeldOutLossEvaluator


class Measured:
    """Gives the same measures each time."""

    def measure(self, training_module: Any, parallelism: Any) -> dict[str, float]:
        return {"fill-mask/loss": 2.5, "fill-mask/accuracy": 0.25, "loss": 2.5, "pseudo_perplexity": 9.0}


def evaluator(best_by: str | None = None) -> HeldOutLossEvaluator:
    names = {"pseudo_perplexity": "pseudo_perplexity", "fill-mask/accuracy": "accuracy", "not/there": "nothing"}
    return HeldOutLossEvaluator(Measured(), names, best_by)  # type: ignore[arg-type]


def test_measures_have_their_names_for_users_and_others_are_left_out() -> None:
    one = evaluator()
    assert one.scores is None
    found = one.measure(None, None)  # type: ignore[arg-type]
    assert found == {"pseudo_perplexity": 9.0, "accuracy": 0.25}
    assert one.scores is not None
    assert one.scores.metrics == found


def test_lower_is_better_of_losses_and_higher_of_others() -> None:
    found = evaluator().measure(None, None)  # type: ignore[arg-type]
    assert (evaluator().score(found), evaluator().best_possible) == (9.0, 0.0)
    assert (evaluator("accuracy").score(found), evaluator("accuracy").best_possible) == (-0.25, -1.0)
    with pytest.raises(UserError, match=r"best_by is 'acuracy' .did you mean 'accuracy'"):
        evaluator("acuracy").score(found)
