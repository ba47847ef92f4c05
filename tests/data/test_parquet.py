from __future__ import annotations

import gzip
import io
import sys
from pathlib import Path

import pytest

from bertkit.data.rows import read_rows
from bertkit.errors import InputError, UserError

ROWS = [{"text": "one", "stars": 5, "tags": ["a"]}, {"text": None, "stars": 1, "tags": []}]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    pyarrow = pytest.importorskip("pyarrow", reason="pyarrow is an optional extra")
    parquet = pytest.importorskip("pyarrow.parquet", reason="pyarrow is an optional extra")
    parquet.write_table(pyarrow.Table.from_pylist(ROWS), tmp_path / "rows.parquet")
    return tmp_path / "rows.parquet"


def test_values_keep_their_types_and_rows_are_counted(path: Path) -> None:
    rows = list(read_rows(str(path)))
    assert [row.fields for row in rows] == ROWS
    assert [row.place for row in rows] == [f"{path}:1", f"{path}:2"]


def test_gzip_and_standard_input_are_read_too(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    packed = path.with_name("rows.parquet.gz")
    packed.write_bytes(gzip.compress(path.read_bytes()))
    assert [row.fields for row in read_rows(str(packed))] == ROWS
    reader = io.BufferedReader(io.BytesIO(path.read_bytes()))  # type: ignore[arg-type]
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(reader))
    assert [row.fields for row in read_rows("-", format="parquet")] == ROWS


def test_a_missing_column_lists_those_that_are_there(path: Path) -> None:
    with pytest.raises(InputError, match=r"rows\.parquet: no column 'txt' \(did you mean 'text'\?\)"):
        list(read_rows(str(path), columns={"text": "txt"}))


def test_what_is_not_parquet_is_refused(path: Path) -> None:
    path.write_bytes(b"not parquet at all, but long enough")
    with pytest.raises(InputError, match=r"rows\.parquet: not a Parquet file, or damaged"):
        list(read_rows(str(path)))


def test_a_damaged_file_is_refused(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[4:40] = b"\xff" * 36
    path.write_bytes(data)
    with pytest.raises(InputError, match=r"rows\.parquet: not a Parquet file, or damaged"):
        list(read_rows(str(path)))


def test_without_pyarrow_the_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    path = tmp_path / "rows.parquet"
    path.write_bytes(b"PAR1")
    with pytest.raises(UserError, match="needs pyarrow, which is not installed") as caught:
        list(read_rows(str(path)))
    assert caught.value.remedy == "Install it: pip install 'bertkit[data]'"
