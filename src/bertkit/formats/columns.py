"""Which column of a row fills which field."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from bertkit.errors import InputError, near_match


def check_columns(there: Iterable[str], columns: Mapping[str, str], place: str) -> None:
    """Checks that every column asked for is there.

    Raises:
        InputError: one is not; the line lists those that are.
    """
    known = list(there)
    for field, column in columns.items():
        if column not in known:
            listed = ", ".join(map(repr, known)) or "none"
            raise InputError(
                f"{place}: no column {column!r}{near_match(column, known)}; the columns are {listed}",
                f"Name one of them with --{field.replace('_', '-')}-column.",
            )


def pick(values: Mapping[str, object], columns: Mapping[str, str]) -> dict[str, object]:
    """All values by their own names, and each field of `columns` filled from its column, which must be there."""
    return {**values, **{field: values[column] for field, column in columns.items()}}
