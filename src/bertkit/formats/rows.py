"""Rows of input: every file becomes a stream of named fields, each with the place it came from."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import IO

from bertkit.errors import InputError, UserError
from bertkit.formats.catalogue import OF_ROWS, choose_format
from bertkit.formats.columns import check_columns, pick
from bertkit.formats.dialects import split_format
from bertkit.formats.encodings import head_of
from bertkit.formats.fasttext import read_fasttext
from bertkit.formats.files import STDIN, check_there, name_of, open_bytes, read_lines
from bertkit.formats.json_rows import is_list_of_rows, read_json_rows
from bertkit.formats.jsonl import read_annotated
from bertkit.formats.notes import Note, unheard
from bertkit.formats.parquet import read_parquet
from bertkit.formats.row import Row as Row
from bertkit.formats.tables import read_table

NO_COLUMNS: Mapping[str, str] = MappingProxyType({})


def read_rows(
    path: str,
    *,
    format: str | None = None,
    columns: Mapping[str, str] = NO_COLUMNS,
    on_bad_row: Callable[[InputError], None] | None = None,
    note: Note = unheard,
) -> Iterator[Row]:
    """Streams the rows of a file, in order, in memory that does not grow with the file (but of `json`). Gzip is undone.

    * `lines`: each line is the field `text`. An empty line is an empty text and a row of its own, so that the
      n-th output belongs to the n-th line.
    * `fasttext`: each line is `__label__name`, perhaps several, and the text. Blank lines are skipped.
    * `jsonl`: each line is a JSON object; its values keep their types. Blank lines are skipped.
    * `json`: a list of such objects (`bertkit.formats.json_rows`); the place counts rows from 1.
    * `csv` (RFC 4180, a quoted field may span lines) and `tsv` (no quoting, unless it is plain that there is: a `"` is
      a character like any other): the first line names the columns. When every column in `columns` is a number, there
      is no such line and columns are counted from 1. Empty lines are skipped. Values are strings. What stands between
      fields is found (`bertkit.formats.dialects`), or named: `csv:;`.
    * `parquet`: needs pyarrow. Values keep their types; the place counts rows from 1.

    Args:
        path: the file; `-` is standard input, which is `lines` unless `format` says otherwise.
        format: one of these; chosen by the ending of the file (`.gz` put aside) when left out.
        columns: field name -> the column that fills it, e.g. `{"text": "review"}`.
        on_bad_row: called with the error of a row that cannot be read, after which reading goes on;
            without it the first such error is raised.
        note: takes a line where how the file was understood is a guess.

    Raises:
        InputError: the file cannot be read at all, or a row is bad; the line names file and line.
        UserError: an unknown format, or columns asked of a format that has none.
    """
    given = "lines" if path == STDIN and format is None else format
    if given is None or split_format(given)[0] not in OF_ROWS:
        given = choose_format(path, given, OF_ROWS, "a file of rows", note)
    if given == "lines" and columns:
        raise UserError(
            f"{name_of(path)}: plain lines have no columns", "Leave the column options out, or say --format jsonl."
        )
    check_there(path)  # now, and not when the first row is taken, which may be after a model has been loaded
    return _rows(path, given, columns, on_bad_row, note)


def _rows(
    path: str, format: str, columns: Mapping[str, str], on_bad_row: Callable[[InputError], None] | None, note: Note
) -> Iterator[Row]:
    with open_bytes(path, note) as file:
        for number, values in _items(format, file, name_of(path), columns, note):
            item = _row(values, columns, f"{name_of(path)}:{number}")
            if isinstance(item, Row):
                yield item
            elif on_bad_row is None:
                raise item
            else:
                on_bad_row(item)


def _items(
    format: str, file: IO[bytes], name: str, columns: Mapping[str, str], note: Note
) -> Iterator[tuple[int, dict[str, object] | InputError]]:
    if split_format(format)[0] in ("csv", "tsv"):
        return read_table(file, name, columns, format, note)
    if format == "json" or (format == "jsonl" and is_list_of_rows(head_of(file).decode(errors="replace"))):
        return read_json_rows(file, name, note)
    if format == "jsonl":
        return read_annotated(file, name, note)
    if format == "parquet":
        return read_parquet(file, name, columns)
    if format == "fasttext":
        return read_fasttext(file, name)
    return ((line.number, line.problem or {"text": line.text}) for line in read_lines(file, name))


def _row(values: dict[str, object] | InputError, columns: Mapping[str, str], place: str) -> Row | InputError:
    if isinstance(values, InputError):
        return values
    try:
        check_columns(values, columns, place)
    except InputError as error:
        return error
    return Row(pick(values, columns), place)
