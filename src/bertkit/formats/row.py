"""One row of input."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Row:
    """One input.

    Args:
        fields: the values by the names that tasks read (`text`, `text_pair`, …), every other column by its own name.
        place: where it came from, as messages begin: `reviews.jsonl:12`, `argument 1`, `row 3`.
    """

    fields: Mapping[str, object]
    place: str
