"""Labelled data, wherever it is: files, or rows in memory. Several of them are read as if they were one."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import chain
from typing import TypeVar

from bertkit.config.data_source import RowsInMemory, Source, Sources, each_source
from bertkit.errors import InputError
from bertkit.formats.files import STDIN, needed, open_bytes
from bertkit.formats.parquet import class_names
from bertkit.formats.python_rows import memory_rows
from bertkit.formats.rows import Row, read_rows
from bertkit.labelled.find_columns import Columns

IN_MEMORY = "rows in memory"  # the format of what is no file
Reader = TypeVar("Reader")


@dataclass(frozen=True, slots=True)
class Data:
    """What examples are read from.

    Attributes:
        parts: a source each, and its format.
        columns: field name -> the column that fills it.
    """

    parts: tuple[tuple[Source, str], ...]
    columns: Mapping[str, str]

    @property
    def name(self) -> str:
        """How messages call all of it."""
        return name_of([source for source, _ in self.parts])

    @property
    def format(self) -> str:
        """The format of the first part."""
        return self.parts[0][1]

    def files(self) -> list[str]:
        """The paths of what is in files."""
        return [source for source, _ in self.parts if isinstance(source, str)]

    def rows(self) -> Iterator[Row]:
        """All rows, in order.

        Raises:
            InputError: a row cannot be read; its place is named. None is passed over: a model is not trained on a part
                of its data without its user knowing.
        """
        for source, format in self.parts:
            if isinstance(source, RowsInMemory):
                yield from memory_rows(source, self.columns)
                continue
            rows = read_rows(source, format=format, columns=self.columns, on_bad_row=_refuse)
            yield from (row for row in rows if format != "lines" or str(row.fields["text"]).strip())

    def opened(self, make: Callable[[Columns], Reader]) -> Iterator[tuple[Reader, Iterator[Row]]]:
        """What reads the rows, made of the first one's columns, and the rows; nothing where there are none."""
        rows = self.rows()
        first = next(rows, None)
        if first is not None:
            yield make(Columns(first.fields, self.columns, self.name, self._classes())), chain([first], rows)

    def _classes(self) -> dict[str, tuple[str, ...]]:
        """Of columns whose numbers count classes, the names of these.

        Raises:
            InputError: they differ from part to part.
        """
        found: dict[str, tuple[str, ...]] = {}
        for source, format in self.parts:
            theirs = _classes_of(source, format)
            differing = [column for column in found.keys() & theirs.keys() if theirs[column] != found[column]]
            if differing:
                raise InputError(
                    f"{name_of(source)}: the numbers of {differing[0]!r} count other classes than those before",
                    "Give parts of one and the same data set together.",
                )
            found |= theirs
        return found


def _classes_of(source: Source, format: str) -> dict[str, tuple[str, ...]]:
    if isinstance(source, RowsInMemory):
        return source.classes
    if format != "parquet" or not os.path.isfile(source):
        return {}
    with open_bytes(source) as file:
        return class_names(file, source)


def name_of(sources: Sources) -> str:
    """How messages call what data is read from."""
    first, *more = each_source(sources)
    name = first.name if isinstance(first, RowsInMemory) else "stdin" if first == STDIN else first
    return f"{name} and {len(more)} more" if more else name


def _refuse(error: InputError) -> None:
    raise needed(error)
