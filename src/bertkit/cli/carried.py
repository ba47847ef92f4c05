"""What a record carries of the row that it answers: the row's id, and the columns that --keep names."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from bertkit.cli.output import ExactFloat
from bertkit.errors import InputError, UserError, near_match
from bertkit.formats.row import Row

ID = "id"


@dataclass(frozen=True, slots=True)
class Carried:
    """Which fields of a row stand before its answer.

    Attributes:
        columns: that every row must have; its id is carried where it has one.
    """

    columns: tuple[str, ...] = ()

    @classmethod
    def named(cls, columns: str | None) -> Carried:
        """Those of a list with commas between.

        Raises:
            UserError: one of them has no name.
        """
        names = tuple(name.strip() for name in columns.split(",")) if columns is not None else ()
        if not all(names):
            raise UserError(f"--keep {columns!r} has an empty name", "Write it as --keep id,text.")
        return cls(names)

    def beside(self, row: Row, answer: Mapping[str, object]) -> dict[str, object]:
        """The fields of a row, and then its answer.

        Raises:
            InputError: the row lacks a column.
            UserError: a column is called as a field of the answer is.
        """
        found = self.of(row)
        for name in self.columns:
            if name not in found:
                listed = ", ".join(map(repr, row.fields)) or "none"
                hint = near_match(name, row.fields)
                raise InputError(f"{row.place}: no column {name!r}{hint} to keep; there are {listed}", "Name those.")
            if name in answer:
                raise UserError(f"the answer has a field {name!r} too", f"Leave {name} out of --keep, or rename it.")
        return {**found, **answer}

    def of(self, row: Row) -> dict[str, object]:
        """The fields of a row that are there."""
        names = dict.fromkeys((*([ID] if row.fields.get(ID) is not None else []), *self.columns))
        return {name: _plain(row.fields[name]) for name in names if name in row.fields}


def _plain(value: object) -> object:
    """As JSON has it: numbers to the last digit, dates and the like as their text."""
    if isinstance(value, float):
        return ExactFloat(value) if value - value == 0 else None  # a table's NaN is a cell without a value
    if value is None or isinstance(value, str | int):
        return value
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    if isinstance(value, Mapping):
        return {str(key): _plain(one) for key, one in value.items()}
    return str(value)
