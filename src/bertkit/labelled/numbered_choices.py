"""Choices in columns of their own: SWAG's `ending0` to `ending3`, `choice1`, `option_a` and their kin."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator

from bertkit.formats.row import Row
from bertkit.labelled.shapes import Fields, Shape, column_of, is_empty

_NUMBERED = re.compile(r"(ending|choice|option|answer|sol|alternative|candidate)[ _-]?(\d+|[a-h])", re.IGNORECASE)
_LABELS = ("label", "answer", "target", "gold")


def _columns(fields: Fields) -> list[str]:
    """The columns of the choices in their order; none where there are not two of one kind."""
    kinds: defaultdict[str, list[tuple[int, str]]] = defaultdict(list)
    for column in fields:
        found = _NUMBERED.fullmatch(column.strip())
        if found:
            mark = found[2].casefold()
            kinds[found[1].casefold()].append((int(mark) if mark.isdecimal() else ord(mark), column))
    several = [numbered for numbered in kinds.values() if len(numbered) > 1]
    return [column for _, column in sorted(several[0])] if len(several) == 1 else []


def _fits(fields: Fields) -> bool:
    return "choices" not in fields and bool(_columns(fields))


def _rows(rows: Iterator[Row]) -> Iterator[Row]:
    for row in rows:
        columns = _columns(row.fields)
        while columns and is_empty(row.fields[columns[-1]]):
            columns.pop()
        begun = row.fields.get("sent2")  # SWAG's choices go on with the sentence that this begins
        before = f"{begun} " if isinstance(begun, str) and begun.strip() and "sent1" in row.fields else ""
        fields = dict(row.fields) | {"choices": [f"{before}{row.fields[column]}" for column in columns]}
        if "sent1" in row.fields and "text" not in row.fields:
            fields["text"] = row.fields["sent1"]  # whatever else the row has
        label = column_of(row.fields, _LABELS)
        if label is not None:
            fields["label"] = _place(row.fields[label], row.fields, columns)
        yield Row(fields, row.place)


def _place(label: object, fields: Fields, columns: list[str]) -> object:
    """The place of the right choice, where the label says its column, the letter of that, or its own text."""
    if not isinstance(label, str):
        return label
    word = label.strip().casefold()
    for place, column in enumerate(columns):
        mark = _NUMBERED.fullmatch(column.strip())
        if word == column.strip().casefold() or (mark and not word.isdecimal() and word == mark[2].casefold()):
            return place
    return next((place for place, column in enumerate(columns) if fields[column] == label), label)


CHOICES_IN_COLUMNS = Shape("a column a choice", _fits, _rows)
