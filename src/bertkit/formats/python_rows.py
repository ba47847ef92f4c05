"""Rows as Python code gives them: texts, tuples, dicts, tables; one of them alone, or any iterable of them."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence, Sized
from numbers import Number, Real
from typing import Any

import numpy as np

from bertkit.config.data_source import RowsInMemory
from bertkit.errors import InputError, UserError
from bertkit.formats.class_names import names_of_table
from bertkit.formats.columns import check_columns, pick
from bertkit.formats.frames import ArrowArray, ArrowStream, PandasFrame, Series, arrow_rows, pandas_rows
from bertkit.formats.row import Row

AnyRow = str | tuple[object, ...] | Mapping[str, object] | Row
AnyRows = Iterable[AnyRow] | PandasFrame | ArrowStream | ArrowArray


def is_one_row(given: object) -> bool:
    """Whether one row was given, good or bad, and not several: a text, a tuple, a mapping, or no iterable at all."""
    if isinstance(given, str | bytes | bytearray | memoryview | tuple | Mapping | Row):
        return True
    if isinstance(given, PandasFrame | ArrowStream | ArrowArray):
        return False
    # What has neither a length nor `__iter__` is a thing with parts, such as a query that was not run yet.
    if not isinstance(given, Iterable) and not (isinstance(given, Sized) and hasattr(given, "__getitem__")):
        return True
    try:
        iter(given)  # type: ignore[arg-type]
    except TypeError:  # an array without axes
        return True
    return False


def each_row(given: Any) -> Iterator[Any]:
    """The rows that a caller gave; of one row, itself."""
    if is_one_row(given):
        return iter([given])
    if isinstance(given, PandasFrame):
        return pandas_rows(given)
    is_arrow = isinstance(given, ArrowStream | ArrowArray) and not isinstance(given, Series)
    return arrow_rows(given) if is_arrow else iter(given)


def fields_of(given: object, fields: Sequence[str]) -> Mapping[str, object]:
    """The values of one row by their names.

    Args:
        fields: that the task reads, in the order that a tuple has their values.

    Raises:
        InputError: it is no row.
    """
    if isinstance(given, str):
        return {"text": given}
    if isinstance(given, Mapping):
        return given
    if isinstance(given, tuple):
        named = getattr(given, "_fields", None)  # a named tuple says itself what its values are
        return _fields_of_tuple(given, fields) if named is None else dict(zip(named, given, strict=True))
    raise _no_row(given, fields)


def _fields_of_tuple(given: tuple[object, ...], fields: Sequence[str]) -> Mapping[str, object]:
    if len(fields) == 1:
        raise InputError(f"a tuple, where only a {fields[0]} is read", "Give the text itself; many texts in a list.")
    if len(given) != len(fields):
        raise InputError(
            f"a tuple of {len(given)}, not of {len(fields)}",
            f"Write a row as ({', '.join(fields)}); give many rows in a list.",
        )
    found = dict(zip(fields, given, strict=True))
    missing = [name for name, value in found.items() if value is None]
    if missing:
        raise InputError(f"{missing[0]!r} of a tuple is None", "Give it a value, or leave the row out.")
    return found


def _no_row(given: object, fields: Sequence[str]) -> InputError:
    kind = type(given).__name__
    is_nan = isinstance(given, Real) and given != given
    if given is None or is_nan or kind in ("NAType", "NaTType"):  # the last two are pandas'
        return InputError(f"the text is missing ({given!r})", "Leave the row out, or give it some text.")
    if isinstance(given, bytes | bytearray | memoryview):
        return InputError(f"of type {kind}, not text", "Decode the bytes first: .decode('utf-8').")
    if isinstance(given, os.PathLike):
        return InputError(f"of type {kind}, not text", "Read the file first: open(path) gives its lines as rows.")
    if isinstance(given, Sequence):
        remedy = f"Write a row of several values as a tuple ({', '.join(fields)}), or as a dict."
        return InputError(f"of type {kind}, not text", remedy if len(fields) > 1 else "Give each text by itself.")
    if isinstance(given, Number):
        return InputError(f"the number {given}, not text", "Make it a text first: str(value).")
    return InputError(f"of type {kind}, not text", "Give a text, or a dict with the fields that the task reads.")


def rows_in_memory(given: object, name: str) -> RowsInMemory:
    """A table, or rows one by one, to be read as a file of rows is.

    Args:
        given: a frame of pandas, what speaks Arrow, a dict of columns, or any iterable of dicts, named tuples or texts.
        name: how messages call it.

    Raises:
        InputError: a row is something else; it is named.
        UserError: it is no table and no iterable of rows.
    """
    if isinstance(given, Mapping):
        given = _rows_of_columns(given, name)
    elif isinstance(given, tuple) and getattr(given, "_fields", None) is None:
        given = list(given)  # nobody learns from one row
    elif is_one_row(given):
        raise UserError(
            f"{name} is of type {type(given).__name__}, neither a path nor rows",
            "Give a path, a list of paths, a table, or a list of dicts.",
        )
    classes = names_of_table(given)  # before the rows are taken, which may be possible once only
    rows = [_labelled(row, f"{name} row {n}") for n, row in enumerate(each_row(given), 1)]
    return RowsInMemory(name, rows, classes)


def memory_rows(source: RowsInMemory, columns: Mapping[str, str]) -> Iterator[Row]:
    """The rows, each with the fields of `columns` filled from its columns.

    Raises:
        InputError: a row lacks a column; it is named.
    """
    for number, values in enumerate(source.rows, 1):
        place = f"{source.name} row {number}"
        check_columns(values, columns, place)
        yield Row(pick(values, columns), place)


def plain(value: Any) -> Any:
    """The value without numpy's types, which files do not have either."""
    if isinstance(value, np.generic | np.ndarray):
        return value.tolist()
    if isinstance(value, Mapping):
        return {name: plain(part) for name, part in value.items()}
    return [plain(part) for part in value] if isinstance(value, list | tuple) else value


def _labelled(row: object, place: str) -> dict[str, object]:
    if isinstance(row, str):
        row = {"text": row}
    elif isinstance(row, Row):
        row = row.fields
    elif isinstance(row, tuple) and (names := getattr(row, "_fields", None)) is not None:
        row = dict(zip(names, row, strict=True))
    if not isinstance(row, Mapping):
        kind = type(row).__name__
        raise InputError(f"{place}: of type {kind}, not a dict", 'Give each row as a dict: {"text": …, "label": …}.')
    return {str(name): plain(value) for name, value in row.items()}


def _rows_of_columns(columns: Mapping[Any, Any], name: str) -> Iterator[dict[Any, object]]:
    values = [list(column) for column in columns.values() if not isinstance(column, str)]
    if len(values) < len(columns) or len({len(column) for column in values}) > 1:
        raise UserError(
            f"{name} is a dict whose values are not columns of one length",
            'Give a list of dicts, one a row, or a dict of columns: {"text": [...], "label": [...]}.',
        )
    return (dict(zip(columns, row, strict=True)) for row in zip(*values, strict=True))
