from __future__ import annotations

import pytest

from bertkit.metrics.label_counts import Counts, total


def test_what_follows_from_counts() -> None:
    one = Counts(correct=3, predicted=4, gold=6)
    assert (one.precision, one.recall) == (0.75, 0.5)
    assert one.f1 == pytest.approx(2 * 0.75 * 0.5 / (0.75 + 0.5))
    assert (Counts().precision, Counts().recall, Counts().f1) == (0, 0, 0)
    assert Counts(0, 2, 0).f1 == 0


def test_all_together() -> None:
    assert total([Counts(1, 2, 3), Counts(1, 1, 1)]) == Counts(2, 3, 4)
    assert total([]) == Counts()
