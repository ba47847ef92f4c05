"""Records as they are written: JSON lines, a table (CSV, TSV, Parquet) or, of vectors, numpy's file.

The ending of the file says which. A file appears whole or not at all, and records are written as they come.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path, PurePath
from typing import Any, Protocol, TextIO

from bertkit.checkpoints.folders import atomic_file
from bertkit.cli.output import json_line, json_text
from bertkit.errors import OutputError, UserError
from bertkit.terminal.messages import write_line

Record = Mapping[str, Any]
# Fields that hold the best answer first: a table has that one's fields in columns of their own, before all of them.
BEST_FIRST = ("labels", "answers", "ranking", "choices")
ERROR = "error"


class Records(Protocol):
    """A file of records."""

    def write(self, record: Record, place: str) -> None:
        """One record more; `place` is what an error about it begins with."""

    def end(self) -> None:
        """There are no more."""


def form_of(path: str) -> str | None:
    """`csv`, `tsv`, `parquet` or `npy` where a file's ending says so; None is JSON lines.

    Raises:
        UserError: a binary form in a file that is compressed as a whole.
    """
    name = path.lower()
    form = PurePath(name.removesuffix(".gz")).suffix.removeprefix(".")
    if form in ("parquet", "npy") and name.endswith(".gz"):
        raise UserError(f"{path}: a .{form} file is not compressed as a whole", f"Call it .{form}.")
    return form if form in ("csv", "tsv", "parquet", "npy") else None


@contextmanager
def open_records(path: str, *, with_errors: bool, keeps: bool) -> Iterator[Records]:
    """A file in the form that its ending says, which appears when the block ends well.

    Args:
        with_errors: whether records of errors may come.
        keeps: whether records have fields of their rows, that were asked for.

    Raises:
        UserError: the form has no place for them, or its library is not installed.
        OutputError: it cannot be written.
    """
    form = form_of(path)
    if form is None:
        with atomic_file(Path(path), "w") as text:
            yield from _ended(JsonLines(text))
        return
    if form in ("csv", "tsv"):
        with atomic_file(Path(path), "w") as text:
            yield from _ended(DelimitedRecords(text, "," if form == "csv" else "\t", with_errors=with_errors))
        return
    if form == "npy":
        from bertkit.cli.vector_file import VectorFile, check_vectors_alone

        check_vectors_alone(path, with_errors=with_errors, keeps=keeps)
        with atomic_file(Path(path), "wb") as binary:
            yield from _ended(VectorFile(binary, path))
        return
    from bertkit.cli.parquet_file import ParquetRecords, check_pyarrow

    check_pyarrow(path)
    with atomic_file(Path(path), "wb") as binary:
        records = ParquetRecords(binary, path, with_errors=with_errors)
        try:
            yield from _ended(records)
        finally:
            records.close()


def _ended(records: Records) -> Iterator[Records]:
    yield records
    records.end()


class JsonLines:
    """One JSON record a line, which whoever reads a pipe has as soon as it is known."""

    def __init__(self, file: TextIO) -> None:
        self._file = file

    def write(self, record: Record, place: str) -> None:
        write_line(self._file, json_line(record, place))

    def end(self) -> None:
        """Nothing is left to be done."""


class DelimitedRecords:
    """CSV or TSV: numbers and texts as they are, lists and objects as JSON. The first answer names the columns.

    Args:
        with_errors: a last column has the message of a row that failed.
    """

    def __init__(self, file: TextIO, delimiter: str, *, with_errors: bool) -> None:
        self._writer = csv.writer(file, delimiter=delimiter, lineterminator="\n")
        self._with_errors = with_errors
        self._columns: list[str] | None = None
        self._waiting: list[Record] = []  # errors before the first answer, which names the columns

    def write(self, record: Record, place: str) -> None:
        if self._columns is None and ERROR in record:
            self._waiting.append(record)
            return
        json_line(record, place)  # refuses NaN, which no form shows
        self._put(spread(record))

    def end(self) -> None:
        if self._columns is None and self._waiting:
            self._begin(spread(self._waiting[0]))

    def _begin(self, cells: dict[str, object]) -> list[str]:
        """The header, and the errors that were met before it was known."""
        columns = [name for name in cells if name != ERROR] + ([ERROR] if self._with_errors else [])
        self._columns = columns
        self._writer.writerow(columns)
        for record in self._waiting:
            self._put(spread(record))
        return columns

    def _put(self, cells: dict[str, object]) -> None:
        columns = self._columns or self._begin(cells)
        refuse_new(cells, columns)
        self._writer.writerow([_cell(cells.get(name)) for name in columns])


def spread(record: Record) -> dict[str, object]:
    """The columns of a record: the best answer's own fields before all answers; of an error its message."""
    cells: dict[str, object] = {}
    for name, value in record.items():
        if name in BEST_FIRST and isinstance(value, list) and value and isinstance(value[0], Mapping):
            cells |= {one: part for one, part in value[0].items() if one not in record}
        cells[name] = value["message"] if name == ERROR and isinstance(value, Mapping) else value
    return cells


def refuse_new(cells: Mapping[str, object], columns: list[str]) -> None:
    """Refuses a field that the first record did not have: the header is written.

    Raises:
        OutputError: naming it.
    """
    new = next((name for name in cells if name not in columns), None)
    if new is not None:
        raise OutputError(f"a record has {new!r}, and the first one had not", "Write JSON lines: -o FILE.jsonl.")


def _cell(value: object) -> object:
    if value is None or isinstance(value, str):
        return value
    return json_text(value)
