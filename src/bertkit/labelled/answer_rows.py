"""Rows with a question, a context and the answers in it, in files that are not SQuAD's own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import chain

from bertkit.errors import InputError, UserError
from bertkit.formats.row import Row
from bertkit.labelled.answer_alignment import AnswerAlignment, Found
from bertkit.labelled.cells import structure_in
from bertkit.labelled.data import Data
from bertkit.labelled.examples import Example
from bertkit.labelled.find_columns import Columns
from bertkit.labelled.label_values import as_text
from bertkit.labelled.row_format import TABLES, Asked, RowFormat, id_of
from bertkit.labelled.squad import read_squad

ANSWERS = ("answer_text", "answers.text", "text")  # of tables that are made of SQuAD's files
STARTS = ("answers.answer_start",)
_BEGINNINGS = ('{"text', "{'text", '["', "['", '[{"', "[{'")
_SHAPE = 'Write {"text": ["1953"], "answer_start": [10]}, or the answer as a string; "" where the context has none.'


class AnswerRows:
    """Reads each row of a file: `question`, `context`, and `answers` or `answer`.

    `answers` is `{"text": […], "answer_start": […]}` (the hub's form of SQuAD), a list of `{"text", "answer_start"}`
    (SQuAD's own) or of strings; `answer` is a string. `answer_start` may stand beside: a list beside a list of strings.
    Where there is no start, it is the first place of the answer in the context. An empty string, null or an empty list:
    the context has no answer. A string that spells one of these forms is read as it, unless it stands in the context.

    Raises:
        InputError: the first row lacks one of the three.
    """

    def __init__(self, columns: Columns) -> None:
        self._columns = columns
        self._question = columns.need("question", ("query",))
        self._context = columns.need("context", ("passage", "paragraph"))
        self._answers = columns.named("answer") or columns.find("answers") or columns.need("answer", ANSWERS)
        self._start = columns.find("answer_start", STARTS)

    def __call__(self, row: Row) -> tuple[dict[str, object], list[Found]]:
        """The fields that the task reads, and the right answers; in place of one that does not match, why.

        Raises:
            InputError: naming file, line and field.
        """
        question, context = (
            as_text(row.fields.get(column), row.place, self._columns.shown(column))
            for column in (self._question, self._context)
        )
        column = self._columns.shown(self._answers)
        if self._answers not in row.fields:
            raise InputError(f"{row.place}: no field {column!r}", _SHAPE)
        place = f"{row.place}: {column}"
        answers, starts = row.fields[self._answers], row.fields.get(self._start or "answer_start")
        pairs = _pairs(_spelt(answers, context, place), _spelt(starts, "", place), place)
        return {"question": question, "context": context}, [_found(*one, context, place) for one in pairs]


def _spelt(value: object, context: str, place: str) -> object:
    """What a string spells, in formats that have no lists; the value itself where it spells nothing.

    Raises:
        InputError: it begins as one of the forms does, and does not go on so.
    """
    if not isinstance(value, str):
        return value
    found = structure_in(value)
    forms = found is not None and all(isinstance(one, str | int | Mapping) for one in found)
    if forms and (not found or value not in context):
        return found
    if value.lstrip().startswith(_BEGINNINGS) and value not in context:
        raise InputError(f"{place}: {value[:60]!r} is neither JSON nor as Python prints it", _SHAPE)
    return value


def _pairs(value: object, starts: object, place: str) -> Iterator[tuple[object, object]]:
    """Text and start of each answer, unchecked."""
    if value is None or value == "":
        return
    if isinstance(value, str):
        yield value, starts
    elif isinstance(value, Mapping):
        yield from _zipped(value.get("text"), value.get("answer_start"), place)
    elif isinstance(value, list) and any(isinstance(one, Mapping) for one in value):
        yield from (
            (one.get("text"), one.get("answer_start")) if isinstance(one, Mapping) else (one, None) for one in value
        )
    elif isinstance(value, list):
        yield from _zipped(value, starts, place)
    else:
        raise InputError(f"{place}: {value!r} is no answer", _SHAPE)


def _zipped(texts: object, starts: object, place: str) -> Iterator[tuple[object, object]]:
    if not isinstance(texts, list):
        raise InputError(f"{place}: no list 'text'", _SHAPE)
    starts = [None] * len(texts) if starts is None or starts == "" else starts
    if not isinstance(starts, list) or len(starts) != len(texts):
        raise InputError(f"{place}: 'answer_start' is not a list as long as 'text' ({len(texts)})", _SHAPE)
    yield from zip(texts, starts, strict=True)


def _found(text: object, start: object, context: str, place: str) -> Found:
    """An answer and where it is, checked against the context."""
    if not isinstance(text, str) or not text.strip():
        raise InputError(f"{place}: {text!r} is no answer", _SHAPE)
    first = context.find(text)
    if start is None or start == "":
        if first < 0:
            return InputError(f"{place}: {text!r} is not in the context")
        return text, first
    if isinstance(start, str) and start.isdecimal():
        start = int(start)
    if not isinstance(start, int) or isinstance(start, bool):
        raise InputError(f"{place}: 'answer_start' is {start!r}, not a whole number", _SHAPE)
    if start < 0 or context[start : start + len(text)] != text:
        there = f"first at {first}" if first >= 0 else "nowhere"
        return InputError(f"{place}: 'answer_start' is {start}, but {text!r} is {there} in the context")
    return text, start


def _answered(data: Data, asked: Asked) -> Iterator[Example]:
    if data.format == "squad":
        if data.columns:
            raise UserError(f"{data.name}: a SQuAD file has no columns", "Leave the column options out.")
        return chain.from_iterable(read_squad(file, asked.dropped) for file in data.files())
    return _rows(data, AnswerAlignment(data.name, asked.dropped))


def _rows(data: Data, alignment: AnswerAlignment) -> Iterator[Example]:
    for read, rows in data.opened(AnswerRows):
        for number, row in enumerate(rows):
            fields, found = read(row)
            target = alignment.references(found, id_of(row, number))
            if target is not None:
                yield Example(Row(fields, row.place), target, id_of(row, number))
    alignment.end()


ANSWERS_IN_CONTEXTS = RowFormat(
    formats=("squad", *TABLES),
    fields=("question", "context", "answers", "answer", "answer_start", "id"),
    examples=_answered,
    drops=True,
)
