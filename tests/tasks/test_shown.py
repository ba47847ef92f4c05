from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest

import bertkit.tasks.catalogue  # noqa: F401 - every task's answer is then a subclass of Result
from bertkit.tasks.contract import Reading, Result
from bertkit.tasks.scoring import Label, Labels
from bertkit.tasks.sentence_embedding import Embedding
from bertkit.tasks.shown import shown

READING = Reading(input_tokens=7, windows=1, truncated=False, dtype="float32")


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("a text", "'a text'"),
        ("x" * 50, f"'{'x' * 40}…'"),
        (0.123456, "0.1235"),
        (np.float32(0.5), "0.5"),
        (5, "5"),
        ([1, 2], "[1, 2]"),
        (list(range(2000)), "[0, 1, 2, … 1,997 more]"),
        ((0.25, None), "[0.25, None]"),
        (np.zeros(5, np.float32), "[0, 0, 0, … 2 more]"),
        (np.zeros((3, 384)), "<3 x 384 numbers>"),
        (Label("good", 0.98765), "Label(label='good', score=0.9877)"),
    ],
)
def test_values_are_short(value: object, expected: str) -> None:
    assert shown(value) == expected


def test_answers_are_a_line() -> None:
    embedding = Embedding(embedding=np.arange(384, dtype=np.float32), reading=READING)
    assert repr(embedding) == "Embedding(embedding=[0, 1, 2, … 381 more], input_tokens=7)"
    labels = [Label(f"label {number}", 0.001) for number in range(150)]
    assert repr(Labels(labels=labels, reading=READING)).endswith("… 147 more], input_tokens=7)")
    cut = Reading(input_tokens=900, windows=1, truncated=True, dtype="float32")
    assert repr(Labels(labels=labels[:1], reading=cut)).endswith("input_tokens=900, truncated=True)")


def test_no_answer_has_the_repr_that_dataclasses_make() -> None:
    assert len(Result.__subclasses__()) >= 10
    assert all(kind.__repr__ is Result.__repr__ for kind in Result.__subclasses__())


def test_an_answer_may_have_its_own() -> None:
    @dataclass(frozen=True, kw_only=True, repr=False)
    class Own(Result):
        def __repr__(self) -> str:
            return "own"

        def answer(self) -> dict[str, object]:
            return {}

    assert repr(Own(reading=READING)) == "own"
