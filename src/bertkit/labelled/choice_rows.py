"""Rows with several texts to choose from: documents for a query, choices for a text."""

from __future__ import annotations

from collections.abc import Iterator

from bertkit.errors import InputError
from bertkit.formats.notes import Note
from bertkit.formats.row import Row
from bertkit.labelled.data import Data
from bertkit.labelled.examples import Example
from bertkit.labelled.find_columns import Columns
from bertkit.labelled.label_values import as_label, as_list, as_number, as_text
from bertkit.labelled.numbered_choices import CHOICES_IN_COLUMNS
from bertkit.labelled.ranking_shapes import POSITIVES_OF_QUERIES, SELECTED_PASSAGES
from bertkit.labelled.row_format import TABLES, Asked, RowFormat, id_of, one_by_one

QUERIES = ("question",)
RELEVANCE = ("labels", "relevance", "score", "scores")


class ChoiceRows:
    """Reads each row of a file: `text`, `choices`, and `label`, the place of the right one (from 0) or its own text.

    A string is first looked for among the choices, and is a place only if it is none of them.

    Raises:
        InputError: the first row lacks one of the three.
    """

    def __init__(self, columns: Columns) -> None:
        self._columns = columns
        self._text = columns.texts()[0]
        self._choices = columns.need("choices", ("endings", "options", "candidates"))
        self._label = columns.need("label", ("answer", "target", "gold"))

    def __call__(self, row: Row) -> tuple[dict[str, object], int]:
        """The fields that the task reads, and the place of the right choice.

        Raises:
            InputError: naming file, line and field.
        """
        shown = self._columns.shown(self._choices)
        text = as_text(row.fields.get(self._text), row.place, self._columns.shown(self._text))
        choices = _texts(row, self._choices, shown)
        if len(choices) < 2:
            raise InputError(f"{row.place}: {shown!r} has one text", "Give two choices or more, or leave the row out.")
        label = row.fields.get(self._label)
        place = _place(label, choices, row.place, self._columns.shown(self._label))
        return {"text": text, "choices": choices}, place


def _place(label: object, choices: list[str], place: str, column: str) -> int:
    if isinstance(label, str) and (count := choices.count(label)):
        if count > 1:
            raise InputError(
                f"{place}: {column!r} is {label!r}, which is {count} of the choices", "Give its place, from 0."
            )
        return choices.index(label)
    named = as_label(label, place, column)
    if not named.isdecimal() or int(named) >= len(choices):
        raise InputError(
            f"{place}: {column!r} is {label!r}, neither one of the choices nor a place from 0 to {len(choices) - 1}",
            "Give the right choice's text, or its place, from 0.",
        )
    return int(named)


class RankingRows:
    """Reads the rows of a file: `query`, `documents` and `labels`, a number each; or `query`, `document` and `label`.

    Of the second form, all rows of the same query are one example, at the place of the first one.

    Args:
        labelled: whether the numbers are read, and have to be there.

    Raises:
        InputError: the first row has neither form.
    """

    def __init__(self, columns: Columns, *, labelled: bool = True) -> None:
        self._columns = columns
        self._query = columns.need("query", QUERIES)
        self._documents = None if columns.named("document") else columns.find("documents", ("passages",))
        self._document = None if self._documents else columns.need("document", ("passage", "text"))
        self._labelled = labelled
        label = columns.named("label") or columns.find("labels") if labelled else None
        self._label = label or (columns.need("label", RELEVANCE) if labelled else "label")

    def rows(self, rows: Iterator[Row], note: Note) -> Iterator[tuple[Row, tuple[float, ...]]]:
        """Each query with its documents, and how good they are.

        Args:
            note: takes a line where rows of one query stand apart.

        Raises:
            InputError: naming file, line and field.
        """
        if self._documents is not None:
            for row in rows:
                yield self._listed(row, self._documents)
            return
        groups: dict[str, list[Row]] = {}
        last, apart = None, set[str]()
        for row in rows:
            query = self._query_of(row)
            if query != last and query in groups:
                apart.add(query)
            groups.setdefault(query, []).append(row)
            last = query
        if apart:
            which = f"rows of {len(apart):,} of {len(groups):,} queries stand apart, and are read together"
            note(f"{self._columns.name}: {which}: all documents of a query are ranked at once")
        for query, group in groups.items():
            yield self._grouped(query, group)

    def _query_of(self, row: Row) -> str:
        return as_text(row.fields.get(self._query), row.place, self._columns.shown(self._query))

    def _listed(self, row: Row, column: str) -> tuple[Row, tuple[float, ...]]:
        documents = _texts(row, column, self._columns.shown(column))
        shown = self._columns.shown(self._label)
        labels = as_list(row.fields.get(self._label), row.place, shown)
        if len(labels) != len(documents):
            raise InputError(
                f"{row.place}: {len(documents)} documents and {len(labels)} in {shown!r}",
                "Give each document one number.",
            )
        fields = {"query": self._query_of(row), "documents": documents}
        numbers = tuple(as_number(label, row.place, f"{shown}[{at}]") for at, label in enumerate(labels))
        return Row(fields | _named(row), row.place), numbers

    def _grouped(self, query: str, rows: list[Row]) -> tuple[Row, tuple[float, ...]]:
        column = self._document or "document"
        shown, label = self._columns.shown(column), self._columns.shown(self._label)
        documents = [as_text(row.fields.get(column), row.place, shown) for row in rows]
        numbered = rows if self._labelled else []
        numbers = tuple(as_number(row.fields.get(self._label), row.place, label) for row in numbered)
        return Row({"query": query, "documents": documents} | _named(rows[0]), rows[0].place), numbers


def _texts(row: Row, column: str, shown: str) -> list[str]:
    texts = as_list(row.fields.get(column), row.place, shown)
    if not texts:
        raise InputError(f"{row.place}: {shown!r} is an empty list", "Give it some texts, or leave the row out.")
    return [as_text(text, row.place, f"{shown}[{at}]") for at, text in enumerate(texts)]


def _named(row: Row) -> dict[str, object]:
    return {"id": row.fields["id"]} if "id" in row.fields else {}


def _ranked(data: Data, asked: Asked) -> Iterator[Example]:
    for read, rows in data.opened(RankingRows):
        for number, (row, target) in enumerate(read.rows(rows, asked.note)):
            yield Example(row, target, id_of(row, number))


CHOICES = RowFormat(TABLES, ("text", "choices", "label", "id"), one_by_one(ChoiceRows), shapes=(CHOICES_IN_COLUMNS,))
DOCUMENTS_OF_QUERIES = RowFormat(
    TABLES,
    ("query", "documents", "labels", "document", "label", "positive", "negative", "id"),
    _ranked,
    shapes=(POSITIVES_OF_QUERIES, SELECTED_PASSAGES),
)
