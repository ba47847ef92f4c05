"""Parquet files, through pyarrow, an optional extra."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator, Mapping
from typing import IO

from bertkit.data.columns import check_columns
from bertkit.data.files import readable
from bertkit.errors import InputError, UserError

_ROWS_AT_ONCE = 1024


def read_parquet(
    file: IO[bytes], name: str, columns: Mapping[str, str]
) -> Iterator[tuple[int, dict[str, object] | InputError]]:
    """Row number from 1, and values with their types, of each row.

    Raises:
        UserError: pyarrow is not installed.
        InputError: not a Parquet file, or a column asked for is not in it.
    """
    try:
        import pyarrow
        import pyarrow.parquet
    except ModuleNotFoundError:
        raise UserError(
            f"{name}: reading Parquet needs pyarrow, which is not installed",
            "Install it: pip install 'bertkit[data]'",
        ) from None
    # A Parquet file is read from its end: what cannot seek fast (a pipe, gzip) goes through a file on disk.
    with tempfile.TemporaryFile() as seekable:
        with readable(name, "to its end"):
            shutil.copyfileobj(file, seekable)
        seekable.seek(0)
        try:
            table = pyarrow.parquet.ParquetFile(seekable)
            check_columns(table.schema_arrow.names, columns, name)
            number = 0
            for batch in table.iter_batches(batch_size=_ROWS_AT_ONCE):
                for values in batch.to_pylist():
                    number += 1
                    yield number, values
        except (pyarrow.ArrowException, OSError) as error:
            reason = str(error).splitlines()[0]
            raise InputError(f"{name}: not a Parquet file, or damaged: {reason}", "Check the file.") from None
