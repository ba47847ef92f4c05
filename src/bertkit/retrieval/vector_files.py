"""The vectors of an index: files that only grow, of which as much counts as the index's tables say.

A vector is written and on disk before a table says that it is there, so that a writer may be killed anywhere: what lies
behind the last one that counts is written over. Who reads maps what counts, and is not disturbed by what is added.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt

from bertkit.checkpoints.durable import to_disk
from bertkit.config.indexing import IndexPrecision
from bertkit.errors import BadIndex
from bertkit.vectors.quantising import Floats, Ranges, Stored, quantize_embeddings

# What is kept for each precision: the first is searched through, the last one puts what is found in order.
KEPT: Mapping[IndexPrecision, tuple[str, ...]] = MappingProxyType(
    {"float16": ("float16",), "int8": ("int8",), "binary": ("ubinary", "float16")}
)
_DTYPES: Mapping[str, npt.DTypeLike] = {"float16": np.float16, "int8": np.int8, "ubinary": np.uint8}
SPREAD = 1.5  # how much larger than the first vectors' the range of a byte is


class VectorFiles:
    """The files of one generation.

    Args:
        width: numbers of a vector.
    """

    def __init__(self, folder: Path, precision: IndexPrecision, width: int, generation: int) -> None:
        self.generation = generation
        self._folder, self._width = folder, width
        self.kinds = KEPT[precision]

    def paths(self) -> list[Path]:
        """All of them."""
        return [self._path(kind) for kind in self.kinds]

    def _path(self, kind: str) -> Path:
        return self._folder / f"vectors.{self.generation}.{kind}"

    def _columns(self, kind: str) -> int:
        return -(-self._width // 8) if kind == "ubinary" else self._width

    def stored(self, vectors_NW: Floats, ranges: Ranges | None) -> dict[str, Stored]:
        """Vectors as each file keeps them."""
        return {kind: quantize_embeddings(vectors_NW, kind, ranges) for kind in self.kinds}  # type: ignore[arg-type]

    def write(self, at: int, rows: Mapping[str, Stored]) -> None:
        """Puts vectors behind the first `at`, and waits until they are on disk."""
        for kind, stored_NC in rows.items():
            path, bytes_a_row = self._path(kind), stored_NC.itemsize * self._columns(kind)
            is_new = not path.exists()
            with open(path, "xb" if is_new else "r+b") as file:
                file.seek(at * bytes_a_row)
                file.write(np.ascontiguousarray(stored_NC).tobytes())
                file.flush()
                os.fsync(file.fileno())
            if is_new:
                to_disk(self._folder)

    def mapped(self, count: int) -> dict[str, Stored]:
        """The first vectors of each file, (N, …), mapped into memory.

        Raises:
            FileNotFoundError: a file is not there, as when a newer generation has taken its place.
            BadIndex: a file is shorter than the tables say.
        """
        found: dict[str, Stored] = {}
        for kind in self.kinds:
            path, columns, dtype = self._path(kind), self._columns(kind), np.dtype(_DTYPES[kind])
            if count == 0:
                found[kind] = np.empty((0, columns), dtype)
                continue
            has, needs = path.stat().st_size, count * columns * dtype.itemsize
            if has < needs:
                raise BadIndex(f"{path}: has {has:,} bytes, {count:,} vectors are {needs:,}")
            found[kind] = np.memmap(path, dtype, "r", shape=(count, columns))
        return found


def first_ranges(vectors_NW: Floats) -> Ranges:
    """Ranges for an index's bytes, of its first vectors; wider than they are, for others are still to come."""
    most_W = np.abs(vectors_NW).max(axis=0)
    reach_W = np.maximum(most_W, most_W.mean()) * np.float32(SPREAD)
    return Ranges(-reach_W, reach_W)


def ranges_record(ranges: Ranges) -> list[list[float]]:
    """As JSON keeps them."""
    return [ranges.low_W.tolist(), ranges.high_W.tolist()]


def ranges_of(record: Any) -> Ranges:
    """Those of a record."""
    low_W, high_W = (np.asarray(one, np.float32) for one in record)
    return Ranges(low_W, high_W)
