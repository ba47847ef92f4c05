"""Rows with a text or a pair of texts, and a label, labels or a number for it."""

from __future__ import annotations

from bertkit.data.find_columns import CLASSES, SCORES, Columns
from bertkit.data.label_values import as_label, as_labels, as_number, as_text
from bertkit.data.rows import Row
from bertkit.families.labels import Problem


class TextRows:
    """Reads the text, and where there is one the pair, of each row of a file.

    Args:
        paired: whether every row must have a pair.
        more: further texts, read where a row has them.

    Raises:
        InputError: the first row has no text, or no pair where there must be one.
    """

    def __init__(self, columns: Columns, *, paired: bool = False, more: tuple[str, ...] = ()) -> None:
        self._columns = columns
        self._text, pair = columns.texts()
        self._pair = columns.need("text_pair") if paired and pair is None else pair
        self._paired = paired
        self._more = more

    def fields(self, row: Row) -> dict[str, object]:
        """The fields that the task reads.

        Raises:
            InputError: a text is missing or empty; naming file, line and field.
        """
        found: dict[str, object] = {"text": self._read(row, self._text)}
        pair = self._pair or "text_pair"  # a row of JSON may have one where the first row had none
        if self._paired or row.fields.get(pair) is not None:
            found["text_pair"] = self._read(row, pair)
        return found | {name: self._read(row, name) for name in self._more if row.fields.get(name) is not None}

    def _read(self, row: Row, column: str) -> str:
        return as_text(row.fields.get(column), row.place, self._columns.shown(column))


class ClassRows:
    """Reads each row of text-classification.

    Raises:
        InputError: the first row has no text or no label.
    """

    def __init__(self, columns: Columns, problem: Problem) -> None:
        self._texts = TextRows(columns)
        self._label = columns.need("label", CLASSES)
        self._shown = columns.shown(self._label)
        self._problem = problem

    def __call__(self, row: Row) -> tuple[dict[str, object], str | tuple[str, ...] | float]:
        """The fields that the task reads, and the target.

        Raises:
            InputError: naming file, line and field.
        """
        value = row.fields.get(self._label)
        if self._problem == "multi-label":
            return self._texts.fields(row), as_labels(value, row.place, self._shown)
        if self._problem == "regression":
            return self._texts.fields(row), as_number(value, row.place, self._shown)
        return self._texts.fields(row), as_label(value, row.place, self._shown)


class PairRows:
    """Reads each row of sentence-embedding: `text`, `text_pair`, perhaps `negative`, perhaps how alike the two are.

    Raises:
        InputError: the first row is no pair.
    """

    def __init__(self, columns: Columns) -> None:
        self._texts = TextRows(columns, paired=True, more=("negative",))
        self._score = columns.find("label", SCORES)
        self._shown = columns.shown(self._score or "label")

    def __call__(self, row: Row) -> tuple[dict[str, object], float | None]:
        """The fields that the task reads, and the target.

        Raises:
            InputError: naming file, line and field.
        """
        fields = self._texts.fields(row)
        if self._score is None:
            return fields, None
        return fields, as_number(row.fields.get(self._score), row.place, self._shown)


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
