from __future__ import annotations

import numpy as np
import pytest

from bertkit.errors import InputError, UserError
from bertkit.families.labels import Problem
from bertkit.formats.rows import Row
from bertkit.labelled.examples import Example, Target
from bertkit.metrics.calibrating import Decisions, abstaining, calibrated, decisions_of
from bertkit.metrics.calibration import expected_calibration_error, fit_temperature
from bertkit.metrics.results import Prediction

NAMES = ("a", "b", "c")
TOO_SURE = 4.0  # how many times too large the logits of the made-up classifiers are


def softmax(logits: np.ndarray) -> np.ndarray:
    powers = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=-1, keepdims=True))


def made(problem: Problem, scores: np.ndarray, targets: list[Target]) -> Decisions:
    results = [
        Prediction(
            {"labels": [{"label": name, "score": float(p)} for name, p in zip(NAMES, one, strict=True)]}, f"p:{n}"
        )
        for n, one in enumerate(scores)
    ]
    examples = [Example(Row({}, f"data:{n}"), target, str(n)) for n, target in enumerate(targets)]
    return decisions_of(problem, results, examples)


def single(size: int = 600) -> Decisions:
    """A classifier whose labels are drawn from its own probabilities, but that says them too surely."""
    random = np.random.default_rng(1)
    logits = random.normal(0, 1.5, (size, 3))
    targets: list[Target] = [str(random.choice(NAMES, p=softmax(one))) for one in logits]
    return made("single-label", softmax(TOO_SURE * logits), targets)


def several(size: int = 600) -> Decisions:
    random = np.random.default_rng(2)
    logits = random.normal(-1, 1.5, (size, 3))
    rights = random.random(logits.shape) < 1 / (1 + np.exp(-logits))
    targets: list[Target] = [tuple(np.array(NAMES)[one].tolist()) for one in rights]
    return made("multi-label", 1 / (1 + np.exp(-TOO_SURE * logits)), targets)


@pytest.mark.parametrize("decisions", [single(), several()], ids=["single-label", "multi-label"])
def test_the_error_of_a_too_sure_classifier_falls(decisions: Decisions) -> None:
    found = calibrated(decisions)
    assert found.temperature == pytest.approx(TOO_SURE, rel=0.15)
    assert found.error_after < found.error_before / 3
    assert sum(one.decisions for one in found.before) == sum(one.decisions for one in found.after)
    assert decisions.confidence(1.0)[1].tolist() == decisions.confidence(found.temperature)[1].tolist()


@pytest.mark.parametrize("decisions", [single(90), several(90)], ids=["single-label", "multi-label"])
def test_no_example_is_judged_by_what_was_fitted_on_it(decisions: Decisions) -> None:
    second = decisions.second_half_R
    in_second = set(decisions.example_R[second].tolist())
    assert in_second.isdisjoint(decisions.example_R[~second].tolist())
    assert len(in_second) == 45
    confidences, rights = [], []
    for judged in (second, ~second):
        temperature = fit_temperature(decisions.logits_RC[~judged], decisions.gold_R[~judged])
        confidence, right = decisions.confidence(temperature)
        confidences.append(confidence[judged])
        rights.append(right[judged])
    wanted = expected_calibration_error(np.concatenate(confidences), np.concatenate(rights))
    assert calibrated(decisions).error_after == pytest.approx(wanted)


def test_abstaining_reaches_the_precision_where_it_was_chosen_and_says_what_it_is_elsewhere() -> None:
    decisions = single()
    temperature = calibrated(decisions).temperature
    confidence, right = decisions.confidence(temperature)
    found = abstaining(decisions, temperature, 0.9)
    assert right[confidence >= found.threshold].mean() >= 0.9
    assert right.mean() < 0.8
    assert 0.1 < found.coverage < 1
    assert found.precision == pytest.approx(0.9, abs=0.05)
    assert right[confidence >= np.nextafter(found.threshold, 1)].size < (confidence >= found.threshold).sum()
    always_wrong = Decisions(np.array([[9.0, 0.0]] * 30), np.ones(30, dtype=np.int64), np.arange(30), False)
    with pytest.raises(UserError, match="no threshold reaches an accuracy of 1"):
        abstaining(always_wrong, 1.0, 1.0)


def test_records_are_read_back_as_logits() -> None:
    logits = np.random.default_rng(3).normal(0, 8, (30, 3))
    back = made("single-label", softmax(logits), ["a"] * 30).logits_RC
    np.testing.assert_allclose(back - back[:, :1], logits - logits[:, :1], atol=1e-9)
    yes = made("multi-label", 1 / (1 + np.exp(-logits / 2)), [()] * 30).logits_RC[:, 1]
    np.testing.assert_allclose(yes, logits.ravel() / 2, atol=1e-6)


@pytest.mark.parametrize(
    ("problem", "scores", "targets", "said"),
    [
        ("regression", [[0.5, 0.3, 0.2]], [1.0], "a regression has no probabilities"),
        ("single-label", [[0.5, 0.3, 0.2]], ["d"], "data:0: the label 'd' is not one of the classifier's"),
        ("single-label", [[0.5, 0.3, 0.2]] * 19, ["a"] * 19, "19 examples say little"),
        ("single-label", [[0.5, 0.3, 0.2]] * 30, ["a"] * 30, "every decision is right, so that no temperature"),
        ("single-label", [[0.5, 0.3, 0.2]] * 30, ["c"] * 30, "every decision is as good as random"),
        ("multi-label", [[0.5, 0.3, 0.2]], ["a"], "data:0: the target is str"),
    ],
)
def test_what_says_nothing(problem: Problem, scores: list[list[float]], targets: list[Target], said: str) -> None:
    with pytest.raises(InputError) as caught:
        calibrated(made(problem, np.array(scores), targets))
    assert caught.value.what.startswith(said)


def test_records_of_other_labels() -> None:
    results = [Prediction({"labels": [{"label": name, "score": 0.5}]}, f"p:{name}") for name in "ab"]
    examples = [Example(Row({}, "data"), "a", "0")] * 2
    with pytest.raises(InputError, match="p:b: has scores of other labels than p:a"):
        decisions_of("single-label", results, examples)
