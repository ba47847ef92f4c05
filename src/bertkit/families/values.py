"""Checks of the values of a foreign `config.json`, made before any of them is used."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any

from bertkit.errors import ConfigError

MOST_LAYERS = 1000  # a mistyped number should be refused before a list of so many is made
REMEDY = "Correct the value, or use the config.json that belongs to these weights."


@dataclass(frozen=True, slots=True)
class ValueKind:
    """A kind of value: how it is called, and whether a value is one."""

    says: str
    holds: Callable[[object], bool]

    def check(self, name: str, value: object) -> Any:
        """The value of the key `name`.

        Raises:
            ConfigError: it is of another kind.
        """
        if not self.holds(value):
            raise ConfigError(f"{name} is {shortened(value)}, not {self.says}", REMEDY)
        return value

    def read(self, values: Mapping[str, object], name: str, default: object) -> Any:
        """The value of the key `name`, `default` where the file leaves it out.

        Raises:
            ConfigError: it is of another kind.
        """
        return self.check(name, values[name]) if name in values else default


def shortened(value: object) -> str:
    """A value as it is shown in an error, which is one line."""
    text = "null" if value is None else repr(value)
    return text if len(text) <= 60 else text[:59] + "…"


def is_whole(value: object) -> bool:
    """Whether it is a whole number; `True`, which Python counts as 1, is none."""
    return type(value) is int


def is_above_0(value: object) -> bool:
    """Whether it is a finite number above 0."""
    return type(value) in (int, float) and 0 < value < math.inf  # type: ignore[operator]


def optional(kind: ValueKind) -> ValueKind:
    """The same, or null."""
    return ValueKind(f"{kind.says} or null", lambda value: value is None or kind.holds(value))


def one_of(words: Collection[str]) -> ValueKind:
    """One of some words."""
    return ValueKind(f"one of {', '.join(words)}", lambda value: isinstance(value, str) and value in words)


ANYTHING = ValueKind("anything", lambda value: True)
WHOLE = ValueKind("a whole number", is_whole)
COUNT = ValueKind("a whole number above 0", lambda value: is_whole(value) and is_above_0(value))
RADIUS = ValueKind("a whole number from 0 on", lambda value: is_whole(value) and value >= 0)  # type: ignore[operator]
LAYERS = ValueKind(
    f"a number of layers, 1 to {MOST_LAYERS}",
    lambda value: COUNT.holds(value) and value <= MOST_LAYERS,  # type: ignore[operator]
)
NUMBER = ValueKind("a number above 0", is_above_0)
