"""Several labels a text: lists of those that fit, or lists of 0 and 1, one for each label there is (multi-hot)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import chain

from bertkit.errors import InputError
from bertkit.formats.notes import Note, listed
from bertkit.labelled.examples import Example
from bertkit.labelled.label_set import labels_in
from bertkit.labelled.label_values import number_in

ON, OFF = ("1", "true"), ("0", "false")
_FORMS = 'Write the labels that fit, e.g. ["red", "round"]; or 0 and 1 for every label, as many in each row.'


def label_sets(
    examples: Iterator[Example], column: str, names: Sequence[str], name: str, note: Note
) -> Iterator[Example]:
    """The examples with each label once; where the file has 0 and 1 for every label, with those that have a 1.

    The first list of three or more tells: a 0 or a 1 that is there twice is no label of its own. Of lists of two, `[0,
    1]` could be two labels that are called so, as long as other rows are of other lengths.

    Args:
        examples: their targets are the lists as they stand in the file.
        column: how the file calls the field.
        names: of the labels, in the order of their numbers; none where the file does not say.
        name: how messages call the file.

    Raises:
        InputError: a list is of neither form, or not of that of the others.
    """
    waiting, width = _until_told(examples)
    if width:
        called = list(names) if len(names) == width else list(map(str, range(width)))
        note(f"{name}: the field {column!r} is read as 0 or 1 for each of {width} labels: {listed(called)}")
    for example in chain(waiting, examples):
        values = labels_in(example.target)
        labels = _hot(example, values, column, names, width) if width else _named(example, values, column, names)
        yield replace(example, target=labels)


def _until_told(examples: Iterator[Example]) -> tuple[list[Example], int]:
    """The examples that tell the form, and how many labels have 0 or 1; none where the labels are listed."""
    waiting: list[Example] = []
    width = 0
    for example in examples:
        waiting.append(example)
        labels = labels_in(example.target)
        if len(labels) < 2 or not set(labels) <= {*ON, *OFF} or width not in (0, len(labels)):
            return waiting, 0
        width = len(labels)
        if len(set(labels)) < width:
            return waiting, width
    return waiting, width


def _hot(example: Example, values: Sequence[str], column: str, names: Sequence[str], width: int) -> tuple[str, ...]:
    if len(values) != width or not set(values) <= {*ON, *OFF}:
        raise InputError(
            f"{example.row.place}: the field {column!r} has {len(values)} values, and other rows 0 or 1 for {width}",
            _FORMS,
        )
    called = names if len(names) == width else list(map(str, range(width)))
    return tuple(label for label, switch in zip(called, values, strict=True) if switch in ON)


def _named(example: Example, values: Sequence[str], column: str, names: Sequence[str]) -> tuple[str, ...]:
    labels = tuple(dict.fromkeys(values))
    numbers = [number_in(label) for label in values]
    shares = len(values) > 1 and all(number is not None and 0 <= number <= 1 for number in numbers)
    if shares and (len(labels) < len(values) or not {*numbers} <= {0.0, 1.0}):
        raise InputError(f"{example.row.place}: the field {column!r} is {', '.join(values)}: no labels", _FORMS)
    return tuple(names[int(label)] if label.isdecimal() and int(label) < len(names) else label for label in labels)
