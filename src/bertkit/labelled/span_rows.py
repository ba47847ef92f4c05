"""Entities under the name of a label, as doccano exports them: `{"text": "…", "label": [[0, 3, "PER"]]}`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from bertkit.formats.row import Row
from bertkit.labelled.cells import structure_in
from bertkit.labelled.shapes import Fields, Shape, column_of

_LABELS = ("label", "labels")
_OTHERS = ("tokens", "words", "entities", "spans")


def _fits(fields: Fields) -> bool:
    """No words and no entities, but labels that are a list of spans, or of none."""
    column = column_of(fields, _LABELS)
    if column is None or column_of(fields, _OTHERS) is not None:
        return False
    value = fields[column]
    value = structure_in(value) if isinstance(value, str) else value
    return isinstance(value, list | tuple) and all(_is_span(one) for one in value)


def _is_span(value: object) -> bool:
    return isinstance(value, Mapping) or (isinstance(value, list | tuple) and len(value) == 3)


def _rows(rows: Iterator[Row]) -> Iterator[Row]:
    for row in rows:
        column = column_of(row.fields, _LABELS)
        yield Row({**row.fields, "entities": None if column is None else row.fields[column]}, row.place)


SPANS_AS_LABELS = Shape("entities under the name of a label", _fits, _rows, of_labels=True)
