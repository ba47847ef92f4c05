"""Tables that are in memory already: the rows of a pandas frame, or of whatever speaks Arrow (polars, DuckDB, pyarrow).

Nothing here imports pandas or polars; what they give is known by its methods.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Protocol, runtime_checkable

from bertkit.errors import InputError, UserError

_ROWS_AT_ONCE = 1024


@runtime_checkable
class PandasFrame(Protocol):
    """A frame of pandas. Arrow would refuse its columns of mixed types, of which only some rows are bad."""

    def keys(self) -> Iterable[Any]: ...

    def itertuples(self, index: bool = ..., name: Any = ...) -> Iterable[tuple[Any, ...]]: ...

    def isna(self) -> PandasFrame: ...


@runtime_checkable
class Series(Protocol):
    """A column of pandas or polars, which gives its values one by one, whatever they are."""

    def __iter__(self) -> Iterator[Any]: ...

    def to_list(self) -> list[Any]: ...


@runtime_checkable
class ArrowStream(Protocol):
    """A table or a column by Arrow's PyCapsule interface."""

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object: ...


@runtime_checkable
class ArrowArray(Protocol):
    """A column in one piece by Arrow's PyCapsule interface."""

    def __arrow_c_array__(self, requested_schema: object | None = None) -> object: ...


def pandas_rows(frame: PandasFrame) -> Iterator[dict[str, object]]:
    """The rows of a frame by the names of its columns; what is missing (NaN, NA, NaT) is None."""
    names = [str(name) for name in frame.keys()]  # noqa: SIM118 - no mapping
    rows = frame.itertuples(index=False, name=None)
    for values, missing in zip(rows, frame.isna().itertuples(index=False, name=None), strict=True):
        yield {name: None if gone else value for name, value, gone in zip(names, values, missing, strict=True)}


def arrow_rows(table: ArrowStream | ArrowArray) -> Iterator[Any]:
    """The rows of a table by the names of its columns, or the values of a column; null is None.

    Raises:
        UserError: pyarrow is not installed.
        InputError: the stream breaks off.
    """
    try:
        import pyarrow
    except ModuleNotFoundError:
        raise UserError(
            f"reading {type(table).__name__} needs pyarrow, which is not installed",
            "Install it: pip install 'bertkit[data]'; or give a list of dicts, one a row.",
        ) from None
    try:
        for batch in _batches(table, pyarrow):
            for start in range(0, len(batch), _ROWS_AT_ONCE):
                yield from batch.slice(start, _ROWS_AT_ONCE).to_pylist()
    except pyarrow.ArrowException as error:
        reason = str(error).splitlines()[0]
        raise InputError(
            f"{type(table).__name__} cannot be read: {reason}", "Check where the table comes from."
        ) from None


def _batches(table: ArrowStream | ArrowArray, pyarrow: Any) -> Iterable[Any]:
    if not isinstance(table, ArrowStream):
        return [pyarrow.array(table)]
    try:
        return pyarrow.RecordBatchReader.from_stream(table)  # type: ignore[no-any-return]
    except pyarrow.ArrowInvalid:  # a stream of values, not of records: a column
        return pyarrow.chunked_array(table).chunks  # type: ignore[no-any-return]
