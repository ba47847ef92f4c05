"""numpy's file of vectors, a row each, written as they come: its header is corrected when their number is known."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, BinaryIO

import numpy as np

from bertkit.cli.output import json_line
from bertkit.errors import UserError

_DTYPES = {"float16": np.float16, "int8": np.int8, "binary": np.int8, "uint8": np.uint8, "ubinary": np.uint8}
_JSON = "Write JSON lines: -o FILE.jsonl, or .parquet."


def check_vectors_alone(path: str, *, with_errors: bool, keeps: bool) -> None:
    """Refuses what such a file has no place for.

    Raises:
        UserError: naming it.
    """
    option = "--on-error record" if with_errors else "--keep" if keeps else None
    if option is not None:
        raise UserError(f"{path}: a .npy file holds vectors alone, and no place for {option}", _JSON)


class VectorFile:
    """The vectors of records.

    Args:
        file: can be sought in.
    """

    def __init__(self, file: BinaryIO, path: str) -> None:
        self._file, self._path = file, path
        self._dtype: np.dtype[Any] = np.dtype(np.float32)
        self._width: int | None = None
        self._count = 0

    def write(self, record: Mapping[str, Any], place: str) -> None:
        if "embedding" not in record:
            fields = ", ".join(record)
            raise UserError(f"{self._path}: a .npy file holds one vector a row, and the answers have {fields}", _JSON)
        if self._width is None:
            self._width = len(record["embedding"])
            self._dtype = np.dtype(_DTYPES.get(str(record.get("precision")), np.float32))
            self._header()
        vector_W = np.asarray(record["embedding"])
        if not np.isfinite(vector_W).all():
            json_line(record, place)  # refuses it in the same words
        self._file.write(vector_W.astype(self._dtype).tobytes())
        self._count += 1

    def end(self) -> None:
        self._file.seek(0)
        self._header()
        self._file.seek(0, 2)

    def _header(self) -> None:
        # numpy leaves room for a larger number of rows, so that the header is as long whatever it is.
        shape = (self._count, self._width or 0)
        header = {"descr": np.lib.format.dtype_to_descr(self._dtype), "fortran_order": False, "shape": shape}
        np.lib.format.write_array_header_1_0(self._file, header)
