from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from bertkit.cli.record_files import open_records

Run = Callable[..., tuple[int, str, str]]


@pytest.mark.parametrize(
    ("precision", "dtype"),
    [
        (None, "float32"),
        ("float16", "float16"),
        ("int8", "int8"),
        ("uint8", "uint8"),
        ("binary", "int8"),
        ("ubinary", "uint8"),
    ],
)
def test_rows_of_vectors_in_their_precision(tmp_path: Path, precision: str | None, dtype: str) -> None:
    vectors = np.arange(36).reshape(12, 3)
    more = {} if precision is None else {"precision": precision}
    with open_records(str(tmp_path / "a.npy"), with_errors=False, keeps=False) as file:
        for vector in vectors.tolist():
            file.write({"embedding": vector, **more}, "row")
    found = np.load(tmp_path / "a.npy")
    assert found.dtype == dtype
    np.testing.assert_array_equal(found, vectors.astype(dtype))


def test_no_rows(tmp_path: Path) -> None:
    with open_records(str(tmp_path / "a.npy"), with_errors=False, keeps=False):
        pass
    assert np.load(tmp_path / "a.npy").shape == (0, 0)


def test_predict_writes_vectors(run: Run, tmp_path: Path) -> None:
    out = tmp_path / "a.npy"
    assert run("predict", "abc", "a", "-o", str(out))[0] == 0
    np.testing.assert_array_equal(np.load(out), np.float32([[3, 1, 1.1], [1, 1, 1.1]]))


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (("--keep", "text"), "holds vectors alone, and no place for --keep"),
        (("--on-error", "record"), "holds vectors alone, and no place for --on-error record"),
        (("--task", "fill-mask"), "holds one vector a row, and the answers have fills, input_tokens"),
        (("--task", "feature-extraction"), "holds one vector a row, and the answers have tokens, offsets, vectors"),
    ],
)
def test_what_is_no_vector_is_refused_by_name(run: Run, tmp_path: Path, options: tuple[str, ...], told: str) -> None:
    out = tmp_path / "a.npy"
    code, _, err = run("predict", "a [MASK]", "-o", str(out), *options)
    assert (code, out.exists()) == (2, False)
    assert told in err
