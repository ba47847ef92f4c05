from __future__ import annotations

import pytest

from bertkit.retrieval.fusion import K, fused


def test_what_both_orders_have_comes_first() -> None:
    found = fused([["a", "b", "c"], ["c", "d"]])
    assert [item for item, _ in found] == ["c", "a", "b", "d"]
    assert dict(found)["c"] == pytest.approx(1 / (K + 3) + 1 / (K + 1))


def test_of_equal_ones_the_first_orders_come_first() -> None:
    assert [item for item, _ in fused([["a"], ["b"]])] == ["a", "b"]
    assert fused([[], []]) == []
