"""Records of answers, as `bertkit predict --json` writes them, read back and checked."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from bertkit.errors import InputError, near_match

Kind = TypeVar("Kind")
FORM = "Records are what `bertkit predict --json` writes for the task."


@dataclass(frozen=True, slots=True)
class Prediction:
    """One answer.

    Attributes:
        record: its JSON fields.
        place: where it came from, as errors begin: `predictions.jsonl:12`.
    """

    record: Mapping[str, Any]
    place: str


Predictions = Sequence[Prediction] | Mapping[str, str]  # records, or answers by the questions' ids


@dataclass(frozen=True, slots=True)
class PredictedEntity:
    """`[start:end]` of a text in code points, and what it is."""

    label: str
    start: int
    end: int


def field_of(result: Prediction, name: str, kind: type[Kind]) -> Kind:
    """A field of a record; of a list, the items are objects.

    Raises:
        InputError: it is missing or of another kind, or the record is that of a row that failed.
    """
    record = result.record
    if "error" in record:
        raise InputError(
            f"{result.place}: the row was not answered", "Correct the row or leave it out, and predict again."
        )
    if name not in record:
        raise InputError(f"{result.place}: no field {name!r}{near_match(name, record, typed=False)}", FORM)
    value = record[name]
    if not isinstance(value, kind) or (isinstance(value, list) and not all(isinstance(one, dict) for one in value)):
        raise InputError(f"{result.place}: the field {name!r} is not what the task answers", FORM)
    return value


def number(result: Prediction, name: str) -> float:
    """A number in a record.

    Raises:
        InputError: as `field_of`.
    """
    value: Any = field_of(result, name, object)
    if not isinstance(value, int | float) or isinstance(value, bool):
        raise InputError(f"{result.place}: the field {name!r} is not a number", FORM)
    if not math.isfinite(value):
        raise InputError(f"{result.place}: the field {name!r} is {value}, not a finite number", FORM)
    return float(value)


def label_scores(result: Prediction) -> dict[str, float]:
    """The score of each label, in the record's order."""
    parts = _parts(result, "labels")
    return {field_of(part, "label", str): number(part, "score") for part in parts}


def best_label(result: Prediction) -> str:
    """The label of the highest score.

    Raises:
        InputError: as `field_of`, or there is no label.
    """
    scores = label_scores(result)
    if not scores:
        raise InputError(f"{result.place}: no labels", FORM)
    return max(scores, key=lambda label: scores[label])


def entities(result: Prediction) -> list[PredictedEntity]:
    """The entities of a text."""
    return [
        PredictedEntity(field_of(part, "label", str), field_of(part, "start", int), field_of(part, "end", int))
        for part in _parts(result, "entities")
    ]


def scored_places(result: Prediction, name: str, count: int | None = None) -> dict[int, float]:
    """The score of each document or choice, by its place.

    Args:
        count: how many there are, where that is known.

    Raises:
        InputError: as `field_of`, there is none, or a place is not among them.
    """
    scores = {field_of(part, "index", int): number(part, "score") for part in _parts(result, name)}
    if not scores:
        raise InputError(f"{result.place}: the field {name!r} is empty", FORM)
    beyond = [place for place in scores if place < 0 or (count is not None and place >= count)]
    if beyond:
        raise InputError(
            f"{result.place}: {name} has the index {beyond[0]}, but the example has {count} of them",
            "Are these predictions for other data? Name the right files.",
        )
    return scores


def _parts(result: Prediction, name: str) -> list[Prediction]:
    return [Prediction(one, result.place) for one in field_of(result, name, list)]
