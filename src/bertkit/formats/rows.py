"""Rows of input: every file becomes a stream of named fields, each with the place it came from."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import PurePath
from types import MappingProxyType
from typing import IO

from bertkit.errors import InputError, UserError, near_match
from bertkit.formats.columns import check_columns, pick
from bertkit.formats.files import STDIN, check_there, name_of, open_bytes, read_lines
from bertkit.formats.jsonl import read_jsonl
from bertkit.formats.parquet import read_parquet
from bertkit.formats.tables import read_table

FORMATS = ("lines", "jsonl", "csv", "tsv", "parquet")
FORMAT_OF_ENDING: Mapping[str, str] = MappingProxyType(
    {".txt": "lines", ".jsonl": "jsonl", ".ndjson": "jsonl", ".csv": "csv", ".tsv": "tsv", ".parquet": "parquet"}
)
NO_COLUMNS: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Row:
    """One input.

    Args:
        fields: the values by the names that tasks read (`text`, `text_pair`, …), every other column by its own name.
        place: where it came from, as messages begin: `reviews.jsonl:12`, `argument 1`, `row 3`.
    """

    fields: Mapping[str, object]
    place: str


def read_rows(
    path: str,
    *,
    format: str | None = None,
    columns: Mapping[str, str] = NO_COLUMNS,
    on_bad_row: Callable[[InputError], None] | None = None,
) -> Iterator[Row]:
    """Streams the rows of a file, in order, in memory that does not grow with the file. Gzip is undone.

    * `lines`: each line is the field `text`. An empty line is an empty text and a row of its own, so that the
      n-th output belongs to the n-th line.
    * `jsonl`: each line is a JSON object; its values keep their types. Blank lines are skipped.
    * `csv` (RFC 4180, a quoted field may span lines) and `tsv` (no quoting: a `"` is a character like any other):
      the first line names the columns. When every column in `columns` is a number, there is no such line and
      columns are counted from 1. Empty lines are skipped. Values are strings.
    * `parquet`: needs pyarrow. Values keep their types; the place counts rows from 1.

    Args:
        path: the file; `-` is standard input, which is `lines` unless `format` says otherwise.
        format: one of `FORMATS`; chosen by the ending of the file (`.gz` put aside) when left out.
        columns: field name -> the column that fills it, e.g. `{"text": "review"}`.
        on_bad_row: called with the error of a row that cannot be read, after which reading goes on;
            without it the first such error is raised.

    Raises:
        InputError: the file cannot be read at all, or a row is bad; the line names file and line.
        UserError: an unknown format, or columns asked of a format that has none.
    """
    chosen = _chosen_format(path, format)
    if chosen == "lines" and columns:
        raise UserError(
            f"{name_of(path)}: plain lines have no columns", "Leave the column options out, or say --format jsonl."
        )
    check_there(path)  # now, and not when the first row is taken, which may be after a model has been loaded
    return _rows(path, chosen, columns, on_bad_row)


def _rows(
    path: str, format: str, columns: Mapping[str, str], on_bad_row: Callable[[InputError], None] | None
) -> Iterator[Row]:
    with open_bytes(path) as file:
        for number, values in _items(format, file, name_of(path), columns):
            item = _row(values, columns, f"{name_of(path)}:{number}")
            if isinstance(item, Row):
                yield item
            elif on_bad_row is None:
                raise item
            else:
                on_bad_row(item)


def _chosen_format(path: str, format: str | None) -> str:
    if format is not None:
        if format not in FORMATS:
            raise UserError(f"unknown format {format!r}{near_match(format, FORMATS)}", f"Use {', '.join(FORMATS)}.")
        return format
    if path == STDIN:
        return "lines"
    ending = PurePath(path.lower().removesuffix(".gz")).suffix
    if ending not in FORMAT_OF_ENDING:
        raise UserError(
            f"{path}: the ending does not say the format (known: {', '.join(FORMAT_OF_ENDING)}, each also .gz)",
            f"Say it with --format {'|'.join(FORMATS)}.",
        )
    return FORMAT_OF_ENDING[ending]


def _items(
    format: str, file: IO[bytes], name: str, columns: Mapping[str, str]
) -> Iterator[tuple[int, dict[str, object] | InputError]]:
    if format == "jsonl":
        return read_jsonl(file, name)
    if format == "csv":
        return read_table(file, name, columns, "csv")
    if format == "tsv":
        return read_table(file, name, columns, "tsv")
    if format == "parquet":
        return read_parquet(file, name, columns)
    return ((line.number, line.problem or {"text": line.text}) for line in read_lines(file, name))


def _row(values: dict[str, object] | InputError, columns: Mapping[str, str], place: str) -> Row | InputError:
    if isinstance(values, InputError):
        return values
    try:
        check_columns(values, columns, place)
    except InputError as error:
        return error
    return Row(pick(values, columns), place)
