"""Rows with a text or a pair of texts, and perhaps a label, labels or a number for it."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from bertkit.families.labels import Problem
from bertkit.formats.row import Row
from bertkit.labelled.data import Data
from bertkit.labelled.examples import Example
from bertkit.labelled.find_columns import CLASSES, Columns
from bertkit.labelled.label_columns import COLUMN_A_LABEL
from bertkit.labelled.label_values import as_label, as_labels, as_number, as_text
from bertkit.labelled.multi_hot import label_sets
from bertkit.labelled.row_format import TABLES, Asked, RowFormat, one_by_one, read_by


class TextRows:
    """Reads the text, and where there is one the pair, of each row of a file.

    Args:
        paired: whether every row must have a pair.

    Raises:
        InputError: the first row has no text, or no pair where there must be one.
    """

    def __init__(self, columns: Columns, *, paired: bool = False) -> None:
        self._columns = columns
        self._text, pair = columns.texts()
        self._pair = columns.need("text_pair") if paired and pair is None else pair
        self._paired = paired
        self.columns = (self._text, self._pair or "text_pair")  # a row may have a pair where the first one had none

    def fields(self, row: Row) -> dict[str, object]:
        """The fields that the task reads.

        Raises:
            InputError: a text is missing or empty; naming file, line and field.
        """
        found: dict[str, object] = {"text": self._read(row, self._text)}
        pair = self.columns[1]
        if self._paired or row.fields.get(pair) is not None:
            found["text_pair"] = self._read(row, pair)
        return found

    def _read(self, row: Row, column: str) -> str:
        return as_text(row.fields.get(column), row.place, self._columns.shown(column))


class ClassRows:
    """Reads each row of text-classification. Of several labels the list is as it stands in the file.

    Attributes:
        shown: how the file calls the field of the label.
        names: of the labels, in the order of their numbers; none where the file does not say.

    Raises:
        InputError: the first row has no text or no label.
    """

    def __init__(self, columns: Columns, problem: Problem) -> None:
        self._columns = columns
        self._texts = TextRows(columns)
        self._label = columns.need("label", CLASSES)
        self._problem = problem
        self.shown = columns.shown(self._label)
        self.names = columns.classes.get(self.shown, ())

    def __call__(self, row: Row) -> tuple[dict[str, object], str | tuple[str, ...] | float]:
        """The fields that the task reads, and the target.

        Raises:
            InputError: naming file, line and field.
        """
        value = row.fields.get(self._label)
        if self._problem == "multi-label":
            return self._texts.fields(row), as_labels(value, row.place, self.shown)
        if self._problem == "regression":
            return self._texts.fields(row), as_number(value, row.place, self.shown)
        if isinstance(value, list | tuple) and len(value) == 1:  # as annotation tools write one label
            (value,) = value
        named = self._columns.named_class(self._label, value)
        return self._texts.fields(row), as_label(named, row.place, self.shown)


class PlainRows:
    """Reads each row that has no target: a text or a pair of texts, whatever else the row has.

    Raises:
        InputError: the first row has no text.
    """

    def __init__(self, columns: Columns) -> None:
        self._texts = TextRows(columns)

    def __call__(self, row: Row) -> tuple[dict[str, object], None]:
        """The fields `text` and, where there is one, `text_pair`.

        Raises:
            InputError: one is missing or empty; naming file, line and field.
        """
        return self._texts.fields(row), None


def _classified(data: Data, asked: Asked) -> Iterator[Example]:
    for read, rows in data.opened(partial(ClassRows, problem=asked.problem)):
        examples = read_by(read, rows)
        several = asked.problem == "multi-label"
        yield from label_sets(examples, read.shown, read.names, data.name, asked.note) if several else examples


CLASSES_OF_TEXTS = RowFormat(
    formats=("fasttext", *TABLES),
    fields=("text", "text_pair", "label", "id"),
    examples=_classified,
    shapes=(COLUMN_A_LABEL,),
    marks=(("label", CLASSES),),
)
PLAIN_TEXTS = RowFormat(("lines", "fasttext", *TABLES), ("text", "text_pair", "id"), one_by_one(PlainRows))
