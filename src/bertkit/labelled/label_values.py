"""What stands in the label column of a row, as the label, the labels or the number that it means."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence

from bertkit.errors import InputError
from bertkit.families.labels import Problem
from bertkit.labelled.cells import structure_in

SEPARATORS = (",", "|", ";")  # of several labels in one string: the first of these that the string has
_SWITCHES = re.compile(r"[01](\s+[01])+")  # one for each label, as `1 0 1`
NAN = "nan"  # what programs write into a table where there is no value
NO_LABEL = "Give the row a label, or leave it out."


def as_label(value: object, place: str, column: str) -> str:
    """One label. Numbers are written as their text (1 and 1.0 are `1`); white space around a string is dropped.

    Args:
        place: `reviews.csv:12`, which begins the error.
        column: how the file calls the field.

    Raises:
        InputError: there is no label, an empty one, `nan`, or what is no single label.
    """
    if value is None:
        raise InputError(f"{place}: no label: the field {column!r} is empty", NO_LABEL)
    if isinstance(value, str):
        label = value.strip()
        if not label or label.casefold() == NAN:
            shown = f"{label!r}, no label" if label else "an empty label"
            raise InputError(f"{place}: the field {column!r} is {shown}", NO_LABEL)
        if isinstance(structure_in(label), list):
            raise _is_list(place, column)
        return label
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float) and math.isfinite(value):
        return str(int(value)) if value.is_integer() else repr(value)
    if isinstance(value, list | tuple):
        raise _is_list(place, column)
    is_number = isinstance(value, float)
    raise InputError(
        f"{place}: the field {column!r} is {value!r}, not a label",
        NO_LABEL if is_number else "Write a label as a string.",
    )


def _is_list(place: str, column: str) -> InputError:
    return InputError(f"{place}: the field {column!r} is a list", "Say --problem multi-label, or give one label.")


def as_labels(value: object, place: str, column: str) -> tuple[str, ...]:
    """The labels of a row as the file lists them, one as often as it is there.

    A list; or a string of them with `,` between (`|` where it has no comma, `;` where it has neither; between 0 and 1 a
    space will do). An empty list and an empty string are no label.

    Raises:
        InputError: there is no field, or one of the labels is empty or no label.
    """
    if value is None:
        raise InputError(
            f"{place}: no labels: the field {column!r} is empty",
            "Write [] for a row that no label fits, or leave it out.",
        )
    return tuple(as_label(part, place, column) for part in _parts(value, place, column))


def _parts(value: object, place: str, column: str) -> Sequence[object]:
    if not isinstance(value, str):
        return value if isinstance(value, list | tuple) else (value,)
    if value.lstrip().startswith("[") or structure_in(value) is not None:
        return as_list(value, place, column)
    if not value.strip():
        return ()
    if _SWITCHES.fullmatch(value.strip()):
        return value.split()
    return value.split(next((mark for mark in SEPARATORS if mark in value), SEPARATORS[0]))


def as_number(value: object, place: str, column: str) -> float:
    """A finite number, or the text of one.

    Raises:
        InputError: it is something else.
    """
    number = number_in(value)
    if number is None:
        shown = "empty" if value is None or value == "" else f"{value!r}, not a finite number"
        raise InputError(
            f"{place}: the field {column!r} is {shown}", "Write a number such as 3.5, or leave the row out."
        )
    return number


def number_in(value: object) -> float | None:
    """The finite number that a value is or spells, None where it does not."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def as_list(value: object, place: str, column: str) -> list[object]:
    """A list; in formats that have none (CSV), one written as in `bertkit.labelled.cells`.

    Raises:
        InputError: it is something else.
    """
    found = structure_in(value) if isinstance(value, str) else value
    if not isinstance(found, list | tuple):
        form = "JSON" if isinstance(value, str) else "a list"
        raise InputError(
            f"{place}: the field {column!r} is {_shortened(repr(value))}, not a list",
            f'Write it as {form}, e.g. ["one", "another"].',
        )
    return list(found)


def as_text(value: object, place: str, column: str) -> str:
    """A text with something in it besides white space, as it stands in the file.

    Raises:
        InputError: it is empty, missing, or no text.
    """
    if value is None or (isinstance(value, str) and not value.strip()):
        raise InputError(f"{place}: the field {column!r} is empty", "Give the row a text, or leave it out.")
    if not isinstance(value, str):
        raise InputError(
            f"{place}: the field {column!r} is {_shortened(repr(value))}, not text", f"Write {column!r} as a string."
        )
    return value


def problem_of(values: Iterable[object]) -> Problem:
    """Which problem of text-classification the labels of a whole file pose.

    * a list among them, or the text of one: `multi-label`;
    * all are numbers, or spell one, and one at least has a fraction: `regression`;
    * else `single-label`. Several labels in one string are not recognised: that takes saying so.

    Missing values, empty strings and `nan` say nothing. Stops reading as soon as it is decided.
    """
    fractions = False
    for value in values:
        if isinstance(value, list | tuple) or (isinstance(value, str) and isinstance(structure_in(value), list)):
            return "multi-label"
        if value is None or str(value).strip().casefold() in ("", NAN):
            continue
        number = number_in(value)
        if number is None:
            return "single-label"
        fractions = fractions or not number.is_integer()
    return "regression" if fractions else "single-label"


def _shortened(text: str) -> str:
    return text if len(text) <= 60 else text[:59] + "…"
