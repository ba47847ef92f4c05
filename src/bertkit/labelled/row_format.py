"""How the labelled data of one task is read: from which formats and columns, and what makes examples of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from bertkit.families.labels import Problem
from bertkit.formats.notes import Note, unheard
from bertkit.formats.row import Row
from bertkit.labelled.answer_alignment import Dropped
from bertkit.labelled.data import Data
from bertkit.labelled.examples import Example, Target
from bertkit.labelled.find_columns import Columns
from bertkit.labelled.shapes import Shape

TABLES = ("jsonl", "json", "csv", "tsv", "parquet")
ReadRow = Callable[[Row], tuple[dict[str, object], Target]]


@dataclass(frozen=True, slots=True)
class Asked:
    """What a user says of how data is to be read, beside where it is.

    Attributes:
        problem: of a task that is posed as one of several.
        dropped: takes a line about answers that were left out; None refuses them.
        note: takes a line about how the data was understood.
    """

    problem: Problem = "single-label"
    dropped: Dropped | None = None
    note: Note = unheard


@dataclass(frozen=True, slots=True)
class RowFormat:
    """The labelled data of a task.

    Attributes:
        formats: that it is read from.
        fields: that columns may be named for.
        examples: what makes examples of data.
        drops: whether answers that do not stand in their context may be left out.
        say_words: whether labels say what is labelled, too: the words of a text.
        shapes: in which rows may be written besides.
        marks: the fields by which rows with labels are told from rows without, each with other names of its column.
    """

    formats: tuple[str, ...]
    fields: tuple[str, ...]
    examples: Callable[[Data, Asked], Iterator[Example]]
    drops: bool = False
    say_words: bool = False
    shapes: tuple[Shape, ...] = ()
    marks: tuple[tuple[str, tuple[str, ...]], ...] = ()


def one_by_one(make: Callable[[Columns], ReadRow]) -> Callable[[Data, Asked], Iterator[Example]]:
    """Examples that are a row each.

    Args:
        make: what reads a row, made of the columns that there are.
    """

    def examples(data: Data, asked: Asked) -> Iterator[Example]:
        for read, rows in data.opened(make):
            yield from read_by(read, rows)

    return examples


def read_by(read: ReadRow, rows: Iterator[Row]) -> Iterator[Example]:
    """The example of each row."""
    for number, row in enumerate(rows):
        fields, target = read(row)
        yield Example(Row(fields, row.place), target, id_of(row, number))


def id_of(row: Row, number: int) -> str:
    """The row's own id, else its number, from 0."""
    named = row.fields.get("id")
    return str(number) if named is None or named == "" else str(named)
