from __future__ import annotations

import math

import pytest

from bertkit.errors import ConfigError
from bertkit.families.values import COUNT, LAYERS, NUMBER, RADIUS, WHOLE, ValueKind, one_of, optional

ODD: list[object] = [None, "3", True, False, 1.5, math.inf, math.nan, -1, 0, 3, 10**12, [], {}, [3], {"a": 3}]
HELD: dict[str, tuple[ValueKind, list[object]]] = {
    "whole": (WHOLE, [-1, 0, 3, 10**12]),
    "count": (COUNT, [3, 10**12]),
    "radius": (RADIUS, [0, 3, 10**12]),
    "layers": (LAYERS, [3]),
    "number": (NUMBER, [1.5, 3, 10**12]),
    "optional": (optional(COUNT), [None, 3, 10**12]),
    "words": (one_of(["3", "4"]), ["3"]),
}


@pytest.mark.parametrize(("kind", "held"), HELD.values(), ids=HELD)
def test_kinds(kind: ValueKind, held: list[object]) -> None:
    assert [value for value in ODD if kind.holds(value)] == held


def test_a_value_of_another_kind_is_named() -> None:
    with pytest.raises(ConfigError) as caught:
        optional(COUNT).read({"width": "3"}, "width", 5)
    assert str(caught.value) == "width is '3', not a whole number above 0 or null"
    with pytest.raises(ConfigError, match="width is null, not a whole number above 0"):
        COUNT.read({"width": None}, "width", 5)
    with pytest.raises(ConfigError, match=r"^.{1,120}$"):
        COUNT.read({"width": list(range(1000))}, "width", 5)


def test_what_is_left_out_is_the_default() -> None:
    assert COUNT.read({}, "width", 5) == 5
    assert COUNT.read({"width": 7}, "width", 5) == 7
