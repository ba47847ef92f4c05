"""A column a label, 0 or 1 in each: the shape of Kaggle's toxic comments."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

from bertkit.errors import InputError
from bertkit.formats.row import Row
from bertkit.labelled.find_columns import CLASSES
from bertkit.labelled.label_values import number_in
from bertkit.labelled.shapes import Fields, Shape, column_of

_SWITCHES = {"true": True, "false": False}
_IDS = ("id", "index", "", "unnamed: 0")
_REMEDY = "Write 0 or 1; or name the columns of labels, with commas between, or the one label: --label-column a,b."


def _is_switch(value: object) -> bool:
    return _switch(value) is not None


def _switch(value: object) -> bool | None:
    if isinstance(value, bool):
        return value
    if isinstance(value, str) and value.strip().casefold() in _SWITCHES:
        return _SWITCHES[value.strip().casefold()]
    number = number_in(value)
    return bool(number) if number in (0.0, 1.0) else None


def _switches(fields: Fields) -> list[str]:
    return [column for column, value in fields.items() if not _is_id(column) and _is_switch(value)]


def _is_id(column: str) -> bool:
    folded = column.strip().casefold()
    return folded in _IDS or folded.endswith("_id")


def _fits(fields: Fields) -> bool:
    """Two such columns or more, none that is known as the label's, and else texts and numbers of rows alone."""
    if column_of(fields, ("label", *CLASSES)) is not None:
        return False
    switches = _switches(fields)
    others = [column for column in fields if column not in switches and not _is_id(column)]
    words = all(isinstance(fields[one], str) and number_in(fields[one]) is None for one in others)
    return len(switches) > 1 and bool(others) and words


def _rows(rows: Iterator[Row], columns: Sequence[str] = ()) -> Iterator[Row]:
    """Each row with the names of the columns that have a 1 as its `label`.

    Args:
        columns: of the labels; those of the first row that have 0 or 1 where there are none.
    """
    for row in rows:
        columns = columns or _switches(row.fields)
        yield Row({**row.fields, "label": [column for column in columns if _is_on(row, column)]}, row.place)


def _is_on(row: Row, column: str) -> bool:
    if column not in row.fields:
        listed = ", ".join(map(repr, row.fields))
        raise InputError(f"{row.place}: no column {column!r}; the columns are {listed}", _REMEDY)
    switch = _switch(row.fields[column])
    if switch is None:
        raise InputError(f"{row.place}: the field {column!r} is {row.fields[column]!r}, not 0 or 1", _REMEDY)
    return switch


def named_columns(columns: Collection[str]) -> Shape:
    """The shape of rows whose labels have these columns, which the user has named."""
    names = tuple(columns)
    return Shape(
        f"a column a label: {', '.join(names)}", lambda fields: True, lambda rows: _rows(rows, names), of_labels=True
    )


COLUMN_A_LABEL = Shape("a column a label, 0 or 1 in each", _fits, _rows, of_labels=True)
