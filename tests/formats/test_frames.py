from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from typing import Any

import pyarrow as pa
import pytest

from bertkit.errors import InputError, UserError
from bertkit.formats.frames import arrow_rows, pandas_rows

TABLE = pa.table({"text": ["a", None, "c"], "n": [1, 2, 3]})
ROWS = [{"text": "a", "n": 1}, {"text": None, "n": 2}, {"text": "c", "n": 3}]


class Stream:
    """What speaks Arrow and is nothing else, as a frame of polars or a relation of DuckDB."""

    def __init__(self, table: Any) -> None:
        self._table = table

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object:
        return self._table.__arrow_c_stream__(requested_schema)


class Frame:
    """The four methods of a frame of pandas that are used, over columns by name."""

    def __init__(self, columns: dict[object, list[object]]) -> None:
        self._columns = columns

    def keys(self) -> Iterable[object]:
        return self._columns.keys()

    def itertuples(self, index: bool = True, name: str | None = "Pandas") -> Iterable[tuple[object, ...]]:
        assert (index, name) == (False, None)
        return zip(*self._columns.values(), strict=True)

    def isna(self) -> Frame:
        return Frame({name: [one is None or one != one for one in column] for name, column in self._columns.items()})


@pytest.mark.parametrize("table", [TABLE, Stream(TABLE), TABLE.to_batches()[0], Stream(TABLE.to_reader(1))])
def test_tables_of_arrow_are_rows(table: Any) -> None:
    assert list(arrow_rows(table)) == ROWS


@pytest.mark.parametrize("column", [TABLE["text"], Stream(TABLE["text"]), TABLE["text"].chunk(0)])
def test_columns_of_arrow_are_values(column: Any) -> None:
    assert list(arrow_rows(column)) == ["a", None, "c"]


@pytest.mark.parametrize("kind", [pa.large_string(), pa.string_view(), pa.dictionary(pa.int8(), pa.string())], ids=str)
def test_texts_of_every_arrow_type(kind: pa.DataType) -> None:
    texts = pa.array(["a", "b"]).cast(kind) if pa.types.is_string_view(kind) else pa.array(["a", "b"], kind)
    assert list(arrow_rows(pa.table({"text": texts}))) == [{"text": "a"}, {"text": "b"}]


def test_a_stream_is_read_as_it_is_asked_for() -> None:
    taken = []

    def batches() -> Iterator[pa.RecordBatch]:
        for number in range(5):
            taken.append(number)
            yield pa.RecordBatch.from_pydict({"text": [str(number)] * 2000})

    reader = pa.RecordBatchReader.from_batches(pa.schema({"text": pa.string()}), batches())
    rows = arrow_rows(Stream(reader))
    assert next(rows) == {"text": "0"}
    assert len(taken) < 4
    assert 1 + sum(1 for _ in rows) == 10_000


def test_a_stream_that_breaks_off() -> None:
    def batches() -> Iterator[pa.RecordBatch]:
        yield pa.RecordBatch.from_pydict({"text": ["a"]})
        raise ValueError("the disk is gone")

    reader = pa.RecordBatchReader.from_batches(pa.schema({"text": pa.string()}), batches())
    with pytest.raises(InputError, match=r"Stream cannot be read: .*the disk is gone"):
        list(arrow_rows(Stream(reader)))


def test_without_pyarrow_it_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(UserError, match="reading Stream needs pyarrow") as caught:
        list(arrow_rows(Stream(TABLE)))
    assert "pip install 'bertkit[data]'" in caught.value.remedy


def test_frames_of_pandas_are_rows_and_keep_what_is_bad_of_them() -> None:
    frame = Frame({"text": ["a", float("nan"), 5], 0: [1, None, 3]})
    assert list(pandas_rows(frame)) == [{"text": "a", "0": 1}, {"text": None, "0": None}, {"text": 5, "0": 3}]


def test_a_real_frame_of_pandas() -> None:
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame({"text": ["a", None, 5], "n": [1, 2, 3]})
    assert [row["text"] for row in pandas_rows(frame)] == ["a", None, 5]


def test_a_real_frame_of_polars() -> None:
    polars = pytest.importorskip("polars")
    assert list(arrow_rows(polars.DataFrame({"text": ["a", None, "c"], "n": [1, 2, 3]}))) == ROWS
