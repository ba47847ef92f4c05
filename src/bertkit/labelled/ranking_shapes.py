"""Queries with what answers them and what does not: triples, lists of positives and negatives, MS MARCO's passages."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from bertkit.errors import InputError
from bertkit.formats.row import Row
from bertkit.labelled.cells import structure_in
from bertkit.labelled.shapes import Fields, Shape, column_of, is_empty

QUERIES = ("query", "question", "anchor")
POSITIVES = ("positive", "positives", "pos", "positive_passages", "positive_passage", "positive_document")
_DOCUMENTS = ("documents", "document", "passage")


def _has_positives(fields: Fields) -> bool:
    others = column_of(fields, _DOCUMENTS)
    return column_of(fields, QUERIES) is not None and column_of(fields, POSITIVES) is not None and others is None


def _is_negative(column: str) -> bool:
    return column.casefold().startswith(("neg", "hard_neg"))


def _of_positives(rows: Iterator[Row]) -> Iterator[Row]:
    """A row a query: all documents that stand beside it, each once; one that is a positive anywhere is one."""
    groups: dict[str, tuple[Row, dict[str, float]]] = {}
    for row in rows:
        query = _query(row)
        documents = groups.setdefault(query, (row, {}))[1]
        for column, value in row.fields.items():
            positive = column == column_of(row.fields, POSITIVES)
            if positive or _is_negative(column):
                for document in _texts(value, row.place, column):
                    documents[document] = max(documents.get(document, 0.0), float(positive))
    for query, (row, documents) in groups.items():
        yield _ranked(row, query, list(documents), list(documents.values()))


def _query(row: Row) -> str:
    column = column_of(row.fields, QUERIES)
    value = None if column is None else row.fields[column]
    if not isinstance(value, str) or is_empty(value):
        raise InputError(f"{row.place}: the field {column or 'query'!r} is {value!r}, not text", "Give it a query.")
    return value


def _texts(value: object, place: str, column: str) -> list[str]:
    """A text, several, or passages with a title and a text; none where the cell is empty."""
    value = (structure_in(value) or value) if isinstance(value, str) else value
    if is_empty(value):
        return []
    found = [_text(one) for one in value] if isinstance(value, list | tuple) else [_text(value)]
    good = [one for one in found if one is not None]
    if len(good) < len(found):
        raise InputError(
            f"{place}: the field {column!r} has something that is no text", "Write texts, or a list of them."
        )
    return good


def _text(value: object) -> str | None:
    if isinstance(value, Mapping):
        title, text = value.get("title"), value.get("text")
        if not isinstance(text, str):
            return None
        return text if is_empty(title) else f"{title} {text}"  # as Tevatron, whose form this is, joins them
    return value if isinstance(value, str) and value.strip() else None


def _has_selected(fields: Fields) -> bool:
    passages = _passages(fields)
    return passages is not None and {"passage_text", "is_selected"} <= passages.keys()


def _passages(fields: Fields) -> Mapping[str, object] | None:
    value = fields.get("passages")
    value = structure_in(value) if isinstance(value, str) else value
    return value if isinstance(value, Mapping) else None


def _of_selected(rows: Iterator[Row]) -> Iterator[Row]:
    for row in rows:
        passages = _passages(row.fields) or {}
        texts, selected = passages.get("passage_text"), passages.get("is_selected")
        if not isinstance(texts, list) or not isinstance(selected, list) or len(texts) != len(selected):
            raise InputError(f"{row.place}: 'passages' has no passage_text with as many is_selected", "Leave it out.")
        yield _ranked(row, _query(row), texts, selected)


def _ranked(row: Row, query: str, documents: list[str], labels: list[float]) -> Row:
    id = column_of(row.fields, ("id", "query_id", "qid"))
    named = {} if id is None else {"id": row.fields[id]}
    return Row({"query": query, "documents": documents, "labels": labels} | named, row.place)


POSITIVES_OF_QUERIES = Shape("queries with positives and negatives, each query once", _has_positives, _of_positives)
SELECTED_PASSAGES = Shape("MS MARCO's passages, those that are selected relevant", _has_selected, _of_selected)
