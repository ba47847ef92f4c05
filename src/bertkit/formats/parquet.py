"""Parquet files, through pyarrow, an optional extra."""

from __future__ import annotations

import io
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import IO, Any

from bertkit.errors import InputError, UserError
from bertkit.formats.class_names import names_in
from bertkit.formats.columns import check_columns
from bertkit.formats.files import LEAVE_OUT, readable

_ROWS_AT_ONCE = 1024


def read_parquet(
    file: IO[bytes], name: str, columns: Mapping[str, str]
) -> Iterator[tuple[int, dict[str, object] | InputError]]:
    """Row number from 1, and values with their types, of each row.

    Raises:
        UserError: pyarrow is not installed.
        InputError: not a Parquet file, or a column asked for is not in it.
    """
    with _opened(file, name) as table:
        check_columns(table.schema_arrow.names, columns, name)
        number = 0
        for batch in table.iter_batches(batch_size=_ROWS_AT_ONCE):
            for values in batch.to_pylist():
                number += 1
                yield number, values


def read_text_column(file: IO[bytes], name: str, column: str, start: int = 0) -> Iterator[tuple[int, str]]:
    """Row number from 1 and the text of one column of each row, but for the first `start` ones.

    Raises:
        UserError, InputError: as `read_parquet`, or a value that is not text.
    """
    with _opened(file, name) as table:
        check_columns(table.schema_arrow.names, {"text": column}, name)
        group, number = 0, 0
        while group < table.num_row_groups and number + table.metadata.row_group(group).num_rows <= start:
            number += table.metadata.row_group(group).num_rows
            group += 1
        groups = range(group, table.num_row_groups)
        for batch in table.iter_batches(batch_size=_ROWS_AT_ONCE, row_groups=groups, columns=[column]):
            for text in batch.column(0).to_pylist():
                number += 1
                if number > start:
                    if not isinstance(text, str):
                        raise InputError(f"{name}:{number}: the column {column!r} is not text", LEAVE_OUT)
                    yield number, text


def class_names(file: IO[bytes], name: str) -> dict[str, tuple[str, ...]]:
    """The names of a column's classes, by which its numbers count, where `datasets` has written them into the file.

    Raises:
        UserError, InputError: as `read_parquet`.
    """
    with _opened(file, name) as table:
        return names_in(table.schema_arrow.metadata)


@contextmanager
def _opened(file: IO[bytes], name: str) -> Iterator[Any]:
    """The `pyarrow.parquet.ParquetFile`; what goes wrong in reading it becomes an `InputError`."""
    try:
        import pyarrow
        import pyarrow.parquet
    except ModuleNotFoundError:
        raise UserError(
            f"{name}: reading Parquet needs pyarrow, which is not installed",
            "Install it: pip install 'bertkit[data]'",
        ) from None
    with _seekable(file, name) as seekable:
        try:
            yield pyarrow.parquet.ParquetFile(seekable)
        except (pyarrow.ArrowException, OSError) as error:
            reason = str(error).splitlines()[0]
            raise InputError(f"{name}: not a Parquet file, or damaged: {reason}", "Check the file.") from None


@contextmanager
def _seekable(file: IO[bytes], name: str) -> Iterator[IO[bytes]]:
    """A Parquet file is read from its end: what cannot seek fast (a pipe, gzip) goes through a file on disk."""
    if isinstance(file, io.BufferedReader) and file.seekable():
        yield file
        return
    with tempfile.TemporaryFile() as copy:
        with readable(name, "to its end"):
            shutil.copyfileobj(file, copy)
        copy.seek(0)
        yield copy
