"""Shapes of rows: the ways in which data sets spread an example over rows and columns, made into the rows that a task
reads.

Which shape rows have is told from the first one. A shape is a guess, so the user is told.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from itertools import chain

from bertkit.formats.notes import Note
from bertkit.formats.row import Row

Fields = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Shape:
    """One way of writing rows.

    Attributes:
        called: what it is, for the line that says so and for the page on formats.
        fits: whether a row, the first one, is written so.
        rows: of all rows, those that the task reads.
        of_labels: whether only labels are written in another way, which who asks does not read.
    """

    called: str
    fits: Callable[[Fields], bool]
    rows: Callable[[Iterator[Row]], Iterator[Row]]
    of_labels: bool = False


def in_shape(rows: Iterator[Row], shapes: Collection[Shape], name: str, note: Note) -> Iterator[Row]:
    """The rows as the task reads them: by the first of the shapes that fits, or as they are.

    Args:
        name: how messages call the data.
        note: takes a line that says the shape.
    """
    first = next(rows, None)
    if first is None:
        return
    rows = chain([first], rows)
    shape = next((one for one in shapes if one.fits(first.fields)), None)
    if shape is None:
        yield from rows
        return
    note(f"{name}: read as {shape.called}")
    yield from shape.rows(rows)


def column_of(fields: Fields, names: Collection[str]) -> str | None:
    """The first column that is called so, the case of letters put aside; names earlier in the list go before others."""
    folded: dict[str, str] = {}
    for column in fields:
        folded.setdefault(column.strip().casefold(), column)
    return next((folded[name] for name in names if name in folded), None)


def is_empty(value: object) -> bool:
    """Whether a cell says nothing: missing, or white space."""
    return value is None or (isinstance(value, str) and not value.strip())
