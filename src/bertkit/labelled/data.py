"""Labelled data, wherever it is: files, or rows in memory. Several of them are read as if they were one."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import TypeVar

from bertkit.config.data_source import RowsInMemory, Source, Sources, each_source
from bertkit.errors import InputError
from bertkit.formats.files import STDIN, needed, open_bytes
from bertkit.formats.notes import Note, unheard
from bertkit.formats.parquet import class_names
from bertkit.formats.python_rows import memory_rows
from bertkit.formats.rows import Row, read_rows
from bertkit.labelled.find_columns import Columns
from bertkit.labelled.shapes import Shape, in_shape

IN_MEMORY = "rows in memory"  # the format of what is no file
Reader = TypeVar("Reader")
BadRow = Callable[[InputError], None]


@dataclass(frozen=True, slots=True)
class Data:
    """What examples are read from.

    Attributes:
        parts: a source each, and its format.
        columns: field name -> the column that fills it.
        shapes: in which rows may be written, besides the one that the task reads.
        note: takes a line where how they were understood is a guess.
    """

    parts: tuple[tuple[Source, str], ...]
    columns: Mapping[str, str]
    shapes: Sequence[Shape] = ()
    note: Note = unheard

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
        """All rows, in order, in the shape that the task reads.

        Raises:
            InputError: a row cannot be read; its place is named. None is passed over: a model is not trained on a part
                of its data without its user knowing.
        """
        return in_shape(self._written(_refuse, blank_lines=False), self.shapes, self.name, self.note)

    def asked(self, on_bad_row: BadRow | None) -> Iterator[Row]:
        """The same rows to be answered: a blank line is one, too.

        Args:
            on_bad_row: takes the error of a row that cannot be read, in its place; without it the first one is raised.
        """
        return in_shape(self._written(on_bad_row, blank_lines=True), self.shapes, self.name, self.note)

    def _written(self, on_bad_row: BadRow | None, *, blank_lines: bool) -> Iterator[Row]:
        """All rows as they are written."""
        for source, format in self.parts:
            if isinstance(source, RowsInMemory):
                yield from memory_rows(source, self.columns)
                continue
            rows = read_rows(source, format=format, columns=self.columns, on_bad_row=on_bad_row, note=self.note)
            all_of_them = blank_lines or format != "lines"
            yield from (row for row in rows if all_of_them or str(row.fields["text"]).strip())

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
