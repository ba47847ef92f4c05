"""Rows with tags for words: words and tags as two lists, or a text and the entities in it."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from typing import TypeGuard

from bertkit.errors import InputError
from bertkit.formats.row import Row
from bertkit.labelled.conll import read_conll, spans_of
from bertkit.labelled.data import Data
from bertkit.labelled.examples import Example, Tagged
from bertkit.labelled.find_columns import Columns
from bertkit.labelled.label_values import as_list, as_text
from bertkit.labelled.row_format import TABLES, Asked, RowFormat, one_by_one
from bertkit.labelled.span_rows import SPANS_AS_LABELS
from bertkit.labelled.word_rows import WORDS_IN_ROWS
from bertkit.tokenization.words import words_of

WORDS = ("words",)
ENTITIES = ("spans",)
TAGS = ("ner_tags", "tags", "labels")
_SHAPE = 'Write entities as [{"start": 0, "end": 3, "label": "PER"}, …], in code points of the text.'


class TaggedRows:
    """Reads each row of a file: `{"tokens": […], "ner_tags": […]}` or `{"text": "…", "entities": […]}`.

    In the second form the words are those of `bertkit.tokenization.words`, read off the characters, and the entities
    become tags `B-` and `I-` of their labels.

    Raises:
        InputError: the first row has neither form.
    """

    def __init__(self, columns: Columns) -> None:
        self._columns = columns
        self._words = None if columns.named("entities") else columns.find("tokens", WORDS)
        self._marked = columns.find("entities", ENTITIES) if self._words is None else None
        if self._words is None and self._marked is None:
            raise InputError(
                f"{columns.name}: neither words nor entities; the columns are {', '.join(map(repr, columns.there))}",
                'Give rows {"tokens": […], "ner_tags": […]} or {"text": "…", "entities": […]}.',
            )
        self._tags = columns.need("label", TAGS) if self._words else None
        self._text = "text" if self._words else columns.texts()[0]

    def __call__(self, row: Row) -> tuple[dict[str, object], Tagged]:
        """The fields that the task reads, and the tags.

        Raises:
            InputError: naming file, line and field.
        """
        if self._words is not None and self._tags is not None:
            words = self._list(row, self._words)
            tags = [self._columns.named_class(self._tags, tag) for tag in self._list(row, self._tags)]
            return _of_lists(words, tags, row.place, self._columns.shown(self._tags))
        text = as_text(row.fields.get(self._text), row.place, self._columns.shown(self._text))
        entities = self._list(row, self._marked or "entities")
        return {"text": text}, tagged(text, entities, row.place)

    def _list(self, row: Row, column: str) -> list[object]:
        return as_list(row.fields.get(column), row.place, self._columns.shown(column))


def _of_lists(words: list[object], tags: list[object], place: str, column: str) -> tuple[dict[str, object], Tagged]:
    texts = [as_text(word, f"{place}: word {number}", "tokens") for number, word in enumerate(words)]
    if not texts:
        raise InputError(f"{place}: no words", "Leave the row out.")
    if len(texts) != len(tags):
        raise InputError(f"{place}: {len(texts)} words and {len(tags)} tags", "Give each word one tag.")
    names: list[str] = []
    for number, tag in enumerate(tags):
        if not isinstance(tag, str) or not tag.strip():
            raise InputError(
                f"{place}: {column!r}[{number}] is {tag!r}, not the name of a tag",
                "Write tags by name (B-PER, I-PER, O); numbers do not say where an entity begins.",
            )
        names.append(tag.strip())
    return {"text": " ".join(texts)}, Tagged(spans_of(texts), tuple(names))


def tagged(text: str, entities: Sequence[object], place: str) -> Tagged:
    """The words of a text, each with its tag: `B-` or `I-` and the label of its entity, else `O`.

    White space at the ends of an entity does not matter.

    Raises:
        InputError: an entity is outside of the text, has no word, cuts a word or overlaps another one.
    """
    # Each character a piece: the finest words that a tokenizer can make, so that the fewest entities cut one.
    words = [(word.start, word.end) for word in words_of(text, [(at, at + 1) for at in range(len(text))])]
    tags = ["O"] * len(words)
    firsts, lasts = [first for first, _ in words], [last for _, last in words]
    for start, end, label in (_entity(entity, text, place) for entity in entities):
        inside = range(bisect_right(lasts, start), bisect_left(firsts, end))  # words do not overlap
        shown = f"the entity {text[start:end]!r} ({start} to {end})"
        if not inside:
            raise InputError(f"{place}: {shown} has no word in it", "Leave it out.")
        for number in inside:
            first, last = words[number]
            if first < start or end < last:
                raise InputError(f"{place}: {shown} cuts the word {text[first:last]!r}", "Move its start or end.")
            if tags[number] != "O":
                raise InputError(f"{place}: {shown} overlaps another one", "A word has one tag: leave one of them out.")
        tags[inside[0]] = f"B-{label}"
        for number in inside[1:]:
            tags[number] = f"I-{label}"
    return Tagged(tuple(words), tuple(tags))


def _entity(entity: object, text: str, place: str) -> tuple[int, int, str]:
    if isinstance(entity, list | tuple) and len(entity) == 3:  # doccano's and spaCy's
        entity = dict(zip(("start", "end", "label"), entity, strict=True))
    if not isinstance(entity, Mapping):
        raise InputError(f"{place}: the entity {entity!r} is not an object", _SHAPE)
    start, end = (entity.get(key, entity.get(f"{key}_offset")) for key in ("start", "end"))  # doccano's other form
    label = entity.get("label", entity.get("labels"))  # Label Studio has a list of one
    if isinstance(label, list) and len(label) == 1:
        (label,) = label
    if not _is_place(start) or not _is_place(end) or not 0 <= start < end <= len(text):
        raise InputError(
            f"{place}: no part of the text from {start!r} to {end!r} (it has {len(text)} characters)", _SHAPE
        )
    if not isinstance(label, str) or not label.strip():
        raise InputError(f"{place}: the entity from {start} to {end} has the label {label!r}", _SHAPE)
    written = entity.get("text", text[start:end])
    if written != text[start:end]:
        raise InputError(f"{place}: from {start} to {end} the text has {text[start:end]!r}, not {written!r}", _SHAPE)
    return start, end, label.strip()


def _is_place(value: object) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool)


def _tagged(data: Data, asked: Asked) -> Iterator[Example]:
    if data.format == "conll":
        return chain.from_iterable(read_conll(file, data.columns, asked.note) for file in data.files())
    return one_by_one(TaggedRows)(data, asked)


TAGS_OF_WORDS = RowFormat(
    formats=("conll", *TABLES),
    fields=("text", "label", "tokens", "entities", "id"),
    examples=_tagged,
    say_words=True,
    shapes=(WORDS_IN_ROWS, SPANS_AS_LABELS),
    marks=(("tokens", WORDS), ("entities", ENTITIES)),
)
