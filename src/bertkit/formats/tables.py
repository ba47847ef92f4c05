"""CSV and TSV: a header line that names the columns, then one row a record."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from typing import IO

from bertkit.errors import InputError
from bertkit.formats.columns import check_columns
from bertkit.formats.dialects import Dialect, dialect_of
from bertkit.formats.encodings import head_of
from bertkit.formats.files import GO_ON, LONGEST_LINE_BYTES, needed, read_lines
from bertkit.formats.notes import Note, unheard


def read_table(
    file: IO[bytes], name: str, columns: Mapping[str, str], format: str, note: Note = unheard
) -> Iterator[tuple[int, dict[str, object] | InputError]]:
    """Line number (of the first line of the record) and values of each record, or its error.

    Args:
        file: can `peek`.
        format: `csv` or `tsv`, perhaps with a delimiter: `csv:;`.
        note: takes a line where the delimiter or the quoting is a guess.

    Raises:
        InputError: no header, a column twice in it, or a column asked for is not in it; or the delimiter is not known.
    """
    csv.field_size_limit(LONGEST_LINE_BYTES)  # the module's own limit, 128 KiB, is shorter than real documents
    head = head_of(file).decode(errors="replace").removeprefix("\ufeff")
    dialect = dialect_of(format, head, columns.values(), name, note)
    records = _records(file, name, dialect)
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
            yield number, _values(header, record, f"{name}:{number}", dialect)
    if header is None:
        raise InputError(f"{name}: empty, not even a header line", "The first line names the columns, e.g. text.")


def _records(file: IO[bytes], name: str, dialect: Dialect) -> Iterator[tuple[int, list[str] | InputError]]:
    problems: list[InputError] = []

    def texts() -> Iterator[str]:
        for line in read_lines(file, name):
            if line.problem is not None:
                problems.append(line.problem)
            yield line.text + "\n"

    kind = "TSV" if dialect.delimiter == "\t" else "CSV"
    reader = csv.reader(texts(), **dialect.options)
    while True:
        number = reader.line_num + 1
        record: list[str] | InputError
        try:
            record = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            record = InputError(f"{name}:{number}: not valid {kind}: {error}")
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


def _values(header: list[str], record: list[str], place: str, dialect: Dialect) -> dict[str, object] | InputError:
    if len(record) != len(header):
        what = f"{place}: {len(record)} fields where the file has {len(header)} columns"
        opened = not dialect.quoted and any(field.startswith('"') for field in record)
        quoted = "Where fields are quoted, say --format csv --delimiter tab; else correct the row"
        return InputError(what, f"{quoted}{GO_ON}." if opened else None)
    return dict(zip(header, record, strict=True))
