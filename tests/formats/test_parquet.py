from __future__ import annotations

import gzip
import io
import json
import sys
from pathlib import Path

import pytest

from bertkit.errors import InputError, UserError
from bertkit.formats.parquet import class_names
from bertkit.formats.rows import read_rows

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


@pytest.mark.parametrize("items", ["Sequence", "List", None])
def test_names_of_classes(path: Path, items: str | None) -> None:
    """As the library `datasets` writes them, of columns of numbers and of lists; older ones as a list of one."""
    pyarrow, parquet = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    classes = {"_type": "ClassLabel", "names": ["a", "b"]}
    features = {
        "tags": {"_type": items, "feature": classes} if items else [classes],
        "stars": classes,
        "text": {"_type": "Value", "dtype": "string"},
    }
    table = pyarrow.Table.from_pylist(ROWS).replace_schema_metadata(
        {"huggingface": json.dumps({"info": {"features": features}})}
    )
    parquet.write_table(table, path)
    with path.open("rb") as file:
        assert class_names(file, "rows.parquet") == {"tags": ("a", "b"), "stars": ("a", "b")}


@pytest.mark.parametrize("written", [None, "", "{}", "[]", '{"info": {"features": {"stars": 3}}}', '{"info": []}'])
def test_a_file_without_names_of_classes(path: Path, written: str | None) -> None:
    pyarrow, parquet = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    table = pyarrow.Table.from_pylist(ROWS)
    parquet.write_table(table if written is None else table.replace_schema_metadata({"huggingface": written}), path)
    with path.open("rb") as file:
        assert class_names(file, "rows.parquet") == {}


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
