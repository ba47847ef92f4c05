"""CSV and TSV: a header line that names the columns, then one row a record."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from typing import IO, Any, Literal

from bertkit.errors import InputError
from bertkit.formats.columns import check_columns
from bertkit.formats.files import LONGEST_LINE_BYTES, needed, read_lines

_DIALECTS: Mapping[str, Mapping[str, Any]] = {
    "csv": {"delimiter": ",", "strict": True},
    # Tab separated files of the field (GLUE and its kin) do not quote: a `"` opens nothing.
    "tsv": {"delimiter": "\t", "quoting": csv.QUOTE_NONE, "strict": True},
}


def read_table(
    file: IO[bytes], name: str, columns: Mapping[str, str], kind: Literal["csv", "tsv"]
) -> Iterator[tuple[int, dict[str, object] | InputError]]:
    """Line number (of the first line of the record) and values of each record, or its error.

    Raises:
        InputError: no header, a column twice in it, or a column asked for is not in it.
    """
    csv.field_size_limit(LONGEST_LINE_BYTES)  # the module's own limit, 128 KiB, is shorter than real documents
    records = _records(file, name, kind)
    header: list[str] | None = None
    if columns and all(column.isdecimal() for column in columns.values()):
        header = []  # columns by number: there is no header line, the first record says how many there are
    for number, record in records:
        if isinstance(record, InputError):
            if header is None:
                raise needed(record)
            yield number, record
        elif header is None:
            header = _header(record, f"{name}:{number}", columns)
        else:
            header = header or _header(list(map(str, range(1, len(record) + 1))), f"{name}:{number}", columns)
            yield number, _values(header, record, f"{name}:{number}")
    if header is None:
        raise InputError(f"{name}: empty, not even a header line", "The first line names the columns, e.g. text.")


def _records(file: IO[bytes], name: str, kind: str) -> Iterator[tuple[int, list[str] | InputError]]:
    problems: list[InputError] = []

    def texts() -> Iterator[str]:
        for line in read_lines(file, name):
            if line.problem is not None:
                problems.append(line.problem)
            yield line.text + "\n"

    reader = csv.reader(texts(), **_DIALECTS[kind])
    while True:
        number = reader.line_num + 1
        record: list[str] | InputError
        try:
            record = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            record = InputError(f"{name}:{number}: not valid {kind.upper()}: {error}")
        if problems:
            record = problems[0]
            problems.clear()
        if record != []:
            yield number, record


def _header(names: list[str], place: str, columns: Mapping[str, str]) -> list[str]:
    seen: set[str] = set()
    for name in names:
        if name in seen:
            raise InputError(f"{place}: the header names the column {name!r} twice", "Give each column its own name.")
        seen.add(name)
    check_columns(names, columns, place)
    return names


def _values(header: list[str], record: list[str], place: str) -> dict[str, object] | InputError:
    if len(record) != len(header):
        return InputError(f"{place}: {len(record)} fields where the file has {len(header)} columns")
    return dict(zip(header, record, strict=True))
