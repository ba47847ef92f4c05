"""Records as a Parquet file, through pyarrow, an optional extra."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, BinaryIO

from bertkit.cli.output import json_line
from bertkit.errors import OutputError, UserError

_ROWS_AT_ONCE = 1024
_TOKENS_AT_ONCE = 2**15  # of a vector each
ERROR = "error"


def check_pyarrow(path: str) -> None:
    """Sees that it is there.

    Raises:
        UserError: it is not installed.
    """
    try:
        import pyarrow.parquet  # noqa: F401
    except ModuleNotFoundError:
        remedy = "Install it: pip install 'bertkit[data]'"
        raise UserError(f"{path}: writing Parquet needs pyarrow, which is not installed", remedy) from None


def types_of_fields() -> dict[str, Any]:
    """The types of a record's fields, which are fixed: lists are empty in some records, and say nothing then."""
    import pyarrow as pa

    score, text, place = pa.float32(), pa.string(), pa.int32()
    pieces = pa.list_(pa.struct({"token": text, "id": place, "score": score, "sequence": text}))
    return {
        "labels": pa.list_(pa.struct({"label": text, "score": score})),
        "entities": pa.list_(pa.struct({"label": text, "score": score, "text": text, "start": place, "end": place})),
        "answers": pa.list_(pa.struct({"answer": text, "score": score, "start": place, "end": place})),
        "no_answer_score": score,
        "fills": pa.list_(pieces),
        "is_next": score,
        "ranking": pa.list_(pa.struct({"index": place, "score": score})),
        "choices": pa.list_(pa.struct({"index": place, "score": score})),
        "tokens": pa.list_(text),
        "offsets": pa.list_(pa.list_(place)),
        "vectors": pa.list_(pa.list_(score)),
        "input_tokens": pa.int64(),
        "windows": place,
        "truncated": pa.bool_(),
        "dtype": text,
        ERROR: text,
    }


class ParquetRecords:
    """The records, a column a field.

    Args:
        with_errors: a last column has the message of a row that failed.
    """

    def __init__(self, file: BinaryIO, path: str, *, with_errors: bool) -> None:
        self._file, self._path, self._with_errors = file, path, with_errors
        self._writer: Any = None
        self._held: list[Mapping[str, Any]] = []
        self._tokens = 0
        self._answered = False  # errors alone do not say what an answer has

    def write(self, record: Mapping[str, Any], place: str) -> None:
        json_line(record, place)  # refuses NaN, which no form shows
        error = record.get(ERROR)
        self._held.append({**record, ERROR: error["message"]} if isinstance(error, Mapping) else record)
        self._tokens += record["input_tokens"] if "vectors" in record else 0
        self._answered = self._answered or ERROR not in record
        if self._answered and (len(self._held) >= _ROWS_AT_ONCE or self._tokens >= _TOKENS_AT_ONCE):
            self._flush()

    def end(self) -> None:
        if self._held or self._writer is None:
            self._flush()

    def close(self) -> None:
        """Writes the end of the file, which the library would else do when there is no file any more."""
        if self._writer is not None:
            self._writer.close()

    def _flush(self) -> None:
        import pyarrow as pa
        import pyarrow.parquet as pq

        held, self._held, self._tokens = self._held, [], 0
        try:
            if self._writer is None:
                self._writer = pq.ParquetWriter(self._file, self._schema(held))
            schema = self._writer.schema
            new = next((name for record in held for name in record if name not in schema.names), None)
            if new is None:
                self._writer.write_table(pa.Table.from_pylist(held, schema=schema))
                return
            why = f"a record has {new!r}, and the first ones had not"
        except pa.ArrowException as error:
            why = str(error).splitlines()[0]
        raise OutputError(f"{self._path}: {why}", "Write JSON lines: -o FILE.jsonl.")

    def _schema(self, records: list[Mapping[str, Any]]) -> Any:
        """The columns of the first records; a type that is not known is that of their values."""
        import pyarrow as pa

        names = dict.fromkeys(name for record in records for name in record if name != ERROR)
        if self._with_errors:
            names[ERROR] = None
        known = types_of_fields()
        return pa.schema([(name, known.get(name) or _type_of([one.get(name) for one in records])) for name in names])


def _type_of(values: list[Any]) -> Any:
    import pyarrow as pa

    found = pa.infer_type(values)
    if pa.types.is_null(found):
        return pa.string()
    is_vector = pa.types.is_list(found) and pa.types.is_floating(found.value_type)
    return pa.list_(pa.float32()) if is_vector else found
