from __future__ import annotations

from typing import Any

import pytest

from bertkit.benchmarking.answer_check import AnswerCheck, agrees


def scored(**scores: float) -> list[dict[str, Any]]:
    return [{"label": name, "score": score} for name, score in scores.items()]


@pytest.mark.parametrize(
    ("expected", "got", "alike"),
    [
        (1, 1.0, True),
        (0.5, 0.50009, True),
        (0.5, 0.502, False),
        (True, 1, False),
        (None, None, True),
        ("a", "a", True),
        ("a", "b", False),
        ("1", 1, False),
        ([0.1, 0.2], [0.1, 0.2003], True),
        ([0.1, 0.2], [0.2, 0.1], False),
        ([0.1], [0.1, 0.2], False),
        ({"a": [1]}, {"a": [1]}, True),
        ({"a": 1}, {"b": 1}, False),
        # Labels that are closer than the tolerance may change places, others not.
        (scored(a=0.5004, b=0.4996), scored(b=0.5001, a=0.4999), True),
        (scored(a=0.6, b=0.4), scored(b=0.6, a=0.4), False),
        # So may the last of the best, with one that is not among them.
        (scored(a=0.6, b=0.3), scored(a=0.6, c=0.3002), True),
        (scored(a=0.6, b=0.3), scored(c=0.6, b=0.3), False),
        ([], [], True),
    ],
)
def test_values_are_alike_up_to_rounding(expected: object, got: object, alike: bool) -> None:
    assert agrees(expected, got, 1e-3) is alike


def test_a_verdict_says_whose_answer_it_is() -> None:
    records = [{"embedding": [n, 0.5], "dtype": "float32", "input_tokens": 3} for n in range(3)]
    check = AnswerCheck(records)
    assert check.verdict(1, {"embedding": [1.000001, 0.5], "dtype": "other"}) == "right"
    assert check.verdict(1, {"embedding": [2.0, 0.5]}) == "mixed up"
    assert check.verdict(1, {"embedding": [1.001, 0.5]}) == "wrong"
    assert check.verdict(1, {"vector": [1.0, 0.5]}) == "wrong"
    assert check.verdict(1, {}) == "wrong"


def test_precisions_have_their_tolerances() -> None:
    assert AnswerCheck([{"value": 1.0, "dtype": "bfloat16"}]).verdict(0, {"value": 1.005}) == "right"
    assert AnswerCheck([{"value": 1.0, "dtype": "float32"}]).verdict(0, {"value": 1.005}) == "wrong"
    assert AnswerCheck([{"value": 1.0, "dtype": "float32"}], 0.01).verdict(0, {"value": 1.005}) == "right"
