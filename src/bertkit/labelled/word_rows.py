"""A word a row, with the sentence that it is of: the shape of Kaggle's NER file and of tables made of CoNLL files."""

from __future__ import annotations

from collections.abc import Iterator

from bertkit.errors import InputError
from bertkit.formats.row import Row
from bertkit.labelled.cells import structure_in
from bertkit.labelled.shapes import Fields, Shape, column_of, is_empty

SENTENCES = ("sentence #", "sentence_id", "sentence id", "sentence_idx", "sent_id", "sentence")
WORDS = ("tokens", "word", "words", "token")
TAGS = ("label", "tag", "tags", "ner_tags", "ner_tag", "ner", "labels")


def _fits(fields: Fields) -> bool:
    word = column_of(fields, WORDS)
    value = None if word is None else fields[word]
    if not isinstance(value, str) or structure_in(value) is not None or len(value.split()) != 1:
        return False
    return column_of(fields, SENTENCES) is not None or column_of(fields, TAGS) is not None


def _sentences(rows: Iterator[Row]) -> Iterator[Row]:
    """A row a sentence; where the column of sentences is empty, the one above goes on."""
    group: list[Row] = []
    present: object = None
    for row in rows:
        column = column_of(row.fields, SENTENCES)
        if column is None:
            raise InputError(
                f"{row.place}: a word, and no column that says which sentence it is of",
                "Add a column sentence_id; or write CoNLL: a word and its tag a line, a blank one between sentences.",
            )
        sentence = row.fields[column]
        if group and not is_empty(sentence) and sentence != present:
            yield _sentence(group, present)
            group = []
        present = present if is_empty(sentence) else sentence
        group.append(row)
    if group:
        yield _sentence(group, present)


def _sentence(group: list[Row], sentence: object) -> Row:
    words = [_word(row) for row in group]
    fields: dict[str, object] = {"text": " ".join(words), "tokens": words}
    if not is_empty(sentence):
        fields["id"] = str(sentence)
    if column_of(group[0].fields, TAGS) is not None:
        fields["label"] = [row.fields.get(column_of(row.fields, TAGS) or "") for row in group]
    return Row(fields, group[0].place)


def _word(row: Row) -> str:
    column = column_of(row.fields, WORDS)
    value = None if column is None else row.fields[column]
    if is_empty(value):
        raise InputError(f"{row.place}: the field {column!r} is empty", "Give the row a word, or leave it out.")
    return str(value)


WORDS_IN_ROWS = Shape("a word a row, grouped by the column of sentences", _fits, _sentences)
