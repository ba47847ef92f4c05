"""SQuAD's files, v1.1 and v2.0: questions about paragraphs, with the parts of them that answer."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeVar

from bertkit.errors import InputError
from bertkit.formats.files import name_of
from bertkit.formats.json_file import read_json
from bertkit.formats.row import Row
from bertkit.labelled.answer_alignment import AnswerAlignment, Dropped, Found
from bertkit.labelled.examples import Example

FORM = 'SQuAD\'s files are {"data": [{"paragraphs": [{"context": "…", "qas": [{"id", "question", "answers"}…]}…]}…]}.'
KINDS = {dict: "an object", list: "a list", str: "text", int: "a whole number"}

Kind = TypeVar("Kind", dict[str, object], list[object], str, int)


def read_squad(path: str, dropped: Dropped | None = None) -> Iterator[Example]:
    """The questions of a file in order; gzip is undone. The whole file is read before the first one.

    The row has `id`, `question`, `context`, and `title` where the article has one; the target is `References`. A
    question without answers, as v2.0 has them, has empty ones. An `is_impossible` beside answers is not read, nor by
    the official script.

    Args:
        dropped: takes a line about answers that were left out, for they do not stand in the context where they are said
            to, and questions that had no other; where None, they are an error.

    Raises:
        InputError: the file cannot be read, is not JSON of this form, or, told at its end, answers do not match; the
            line names the file and the place in it, `dev.json: data[0].paragraphs[2].qas[1]`.
    """
    name = name_of(path)
    alignment = AnswerAlignment(name, dropped)
    for row, question in _questions(read_json(path, FORM), name):
        id, context = str(row.fields["id"]), str(row.fields["context"])
        target = alignment.references(list(_answers(question, context, row.place)), id)
        if target is not None:
            yield Example(row, target, id)
    alignment.end()


def squad_rows(path: str) -> Iterator[Row]:
    """The same questions to be answered, whatever answers they have.

    Raises:
        InputError: the file cannot be read, or is not JSON of this form.
    """
    return (row for row, _ in _questions(read_json(path, FORM), name_of(path)))


def _questions(whole: object, name: str) -> Iterator[tuple[Row, dict[str, object]]]:
    """The row of each question, and the question as it stands in the file."""
    if isinstance(whole, list):  # the articles alone
        articles = _objects(whole, f"{name}: ")
    else:
        articles = _items(_checked(whole, dict, name, "the whole"), "data", f"{name}: ")
    for article, in_file in articles:
        title = {"title": article["title"]} if "title" in article else {}
        for paragraph, in_article in _items(article, "paragraphs", f"{in_file}."):
            context = _field(paragraph, "context", str, in_article)
            for question, place in _items(paragraph, "qas", f"{in_article}."):
                id, text = _id(question, place), _field(question, "question", str, place)
                yield Row({"id": id, "question": text, "context": context, **title}, place), question


def _id(question: dict[str, object], place: str) -> str:
    """By which predictions refer to it, in a JSON object: as text, also where it is a number."""
    id = question.get("id")
    is_number = isinstance(id, int) and not isinstance(id, bool)
    return str(id) if is_number else _field(question, "id", str, place)


def _answers(question: dict[str, object], context: str, in_paragraph: str) -> Iterator[Found]:
    for answer, place in _items(question, "answers", f"{in_paragraph}."):
        text, start = _field(answer, "text", str, place), _field(answer, "answer_start", int, place)
        if start < 0 or not context.startswith(text, start):
            yield InputError(f"{place}: the context does not read {text!r} at character {start}")
        else:
            yield text, start


def _items(parent: dict[str, object], field: str, place: str) -> Iterator[tuple[dict[str, object], str]]:
    """The objects of a list, each with its place; `place` is what comes before the field's name."""
    items: list[object] = _field(parent, field, list, place.rstrip(".: "))
    yield from _objects(items, f"{place}{field}")


def _objects(items: list[object], place: str) -> Iterator[tuple[dict[str, object], str]]:
    for number, item in enumerate(items):
        here = f"{place}[{number}]"
        yield _checked(item, dict, here, "it"), here


def _field(parent: dict[str, object], field: str, kind: type[Kind], place: str) -> Kind:
    if field not in parent:
        raise InputError(f"{place}: no {field!r}", FORM)
    return _checked(parent[field], kind, place, repr(field))


def _checked(value: object, kind: type[Kind], place: str, what: str) -> Kind:
    if not isinstance(value, kind) or isinstance(value, bool):
        raise InputError(f"{place}: {what} is not {KINDS[kind]}", FORM)
    return value
