"""Where a job's data is: in a file, in several, or in rows that a program has already. Torch-free."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Annotated, Any, TypeAlias

from pydantic import Field, GetCoreSchemaHandler
from pydantic_core import CoreSchema, PydanticSerializationUnexpectedValue, core_schema


class RowsInMemory:
    """Rows in the place of a file of rows; they are read in the same way.

    A run that goes on knows them again by their fingerprint, which its configuration has in the place of a path.

    Args:
        name: how messages call them; those about a row begin with `NAME row 3`.
        rows: each with its values by the names of the columns.
        classes: of columns whose numbers count classes, the names of these.
    """

    def __init__(
        self, name: str, rows: Sequence[Mapping[str, object]], classes: Mapping[str, tuple[str, ...]] | None = None
    ) -> None:
        self.name = name
        self.rows = tuple(rows)
        self.classes = dict(classes or {})

    @cached_property
    def sha256(self) -> str:
        """The fingerprint of the rows."""
        text = json.dumps([self.rows, self.classes], ensure_ascii=False, default=str)
        return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()

    def __eq__(self, other: object) -> bool:
        """Whether these are the same rows, called the same."""
        return isinstance(other, RowsInMemory) and (self.name, self.sha256) == (other.name, other.sha256)

    def __hash__(self) -> int:
        """Of name and fingerprint."""
        return hash((self.name, self.sha256))

    def __str__(self) -> str:
        """What stands for them in a configuration's file."""
        return f"{self.name}: {len(self.rows):,} rows in memory, sha256 {self.sha256}"

    def __repr__(self) -> str:
        """Without the rows, which may be many."""
        return f"<{self}>"

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Taken as it is; a string in a file."""
        written = core_schema.plain_serializer_function_ser_schema(_written, when_used="json")
        return core_schema.is_instance_schema(cls, serialization=written)


def _written(value: object) -> str:
    if not isinstance(value, RowsInMemory):
        raise PydanticSerializationUnexpectedValue("another kind of source, which is written as it is")
    return str(value)


Source: TypeAlias = str | RowsInMemory
Sources: TypeAlias = Source | Annotated[list[Source], Field(min_length=1)]


def each_source(sources: Sources) -> tuple[Source, ...]:
    """The parts, in their order; several are read as one."""
    return tuple(sources) if isinstance(sources, list) else (sources,)
