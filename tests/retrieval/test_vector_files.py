from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from bertkit.errors import BadIndex
from bertkit.retrieval.vector_files import VectorFiles, first_ranges, ranges_of, ranges_record
from bertkit.vectors.quantising import dequantize_embeddings

VECTORS = np.random.default_rng(0).normal(size=(5, 12)).astype(np.float32)


@pytest.mark.parametrize("precision", ["float16", "int8", "binary"])
def test_what_is_written_is_mapped_as_far_as_it_counts(tmp_path: Path, precision: str) -> None:
    files = VectorFiles(tmp_path, precision, 12, 1)  # type: ignore[arg-type]
    ranges = first_ranges(VECTORS) if precision == "int8" else None
    stored = files.stored(VECTORS, ranges)
    assert all(len(rows) == 0 for rows in files.mapped(0).values())
    files.write(0, {kind: rows[:2] for kind, rows in stored.items()})
    files.write(2, {kind: rows[:3] for kind, rows in stored.items()})  # a writer that was killed: nobody counts these
    files.write(2, {kind: rows[2:] for kind, rows in stored.items()})
    for kind, mapped in files.mapped(5).items():
        assert np.array_equal(mapped, stored[kind])
    assert [path.name for path in files.paths()] == sorted({path.name for path in tmp_path.iterdir()}, reverse=True)[
        -len(files.kinds) :
    ]
    with pytest.raises(BadIndex, match="6 vectors"):
        files.mapped(6)
    with pytest.raises(FileNotFoundError):
        VectorFiles(tmp_path, precision, 12, 2).mapped(1)  # type: ignore[arg-type]


def test_ranges_are_wider_than_the_first_vectors_and_come_back(tmp_path: Path) -> None:
    ranges = ranges_of(ranges_record(first_ranges(VECTORS[:1])))
    assert np.array_equal(ranges.low_W, -ranges.high_W)
    stored = VectorFiles(tmp_path, "int8", 12, 1).stored(VECTORS[:1], ranges)["int8"]
    assert np.abs(dequantize_embeddings(stored, "int8", ranges) - VECTORS[:1]).max() < 0.05
