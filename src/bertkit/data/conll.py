"""Columns of words and tags, one word a line and a blank line between sentences: CoNLL and its many kin.

What is told from the first lines of a file, where the user does not say:

* the columns are separated by tabs if the first word's line has one, else by spaces;
* the first column is the word and the last one the tag (CoNLL-2002 and 2003, WNUT, WikiGold);
* unless there are three or more columns and the first one counts 1, 2, 3 … in the first sentence: then the second is
  the word and the third the tag (Universal NER, GermEval).

A line that begins with `#` and a space or tab is a comment, unless it has just as many columns as the file and no `=`:
then its word is `#`. Comments, `-DOCSTART-` lines, and CoNLL-U's ranges (`1-2`) and empty nodes (`8.1`) are dropped.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import chain
from typing import IO

from bertkit.data.examples import Example, Tagged
from bertkit.data.files import name_of, open_bytes, sound_lines
from bertkit.data.rows import Row
from bertkit.errors import InputError, UserError

DOCUMENT_START = "-DOCSTART-"
_SENTENCE_ID = re.compile(r"# sent_id\s*=\s*(\S+)")
_NO_WORD = re.compile(r"\d+[-.]\d+")
_REMEDY = "Every line is a word and its columns; columns can be named by number with --text-column and --label-column."


@dataclass(frozen=True, slots=True)
class Layout:
    """How the lines of one file are made.

    Attributes:
        separator: between columns; None is any number of spaces.
        columns: how many a line has.
        word, tag: which of them, from 0.
        numbered: whether the first one counts the words.
    """

    separator: str | None
    columns: int
    word: int
    tag: int
    numbered: bool

    def split(self, line: str) -> list[str]:
        """The columns of a line."""
        return _split(line, self.separator)

    def drops(self, line: str) -> bool:
        """Whether a line within a document has no word of the text."""
        if line.startswith(("# ", "#\t")) or line == "#":
            return "=" in line or len(self.split(line)) != self.columns
        return self.numbered and _NO_WORD.fullmatch(self.split(line)[0]) is not None


@dataclass(slots=True)
class _Sentence:
    """The words of a sentence as they are read."""

    words: list[str]
    tags: list[str]
    line: int = 0
    id: str | None = None

    def example(self, name: str, number: int) -> Example:
        return Example(
            Row({"text": " ".join(self.words)}, f"{name}:{self.line}"),
            Tagged(spans_of(self.words), tuple(self.tags)),
            str(number) if self.id is None else self.id,
        )


def read_conll(path: str, columns: Mapping[str, str]) -> Iterator[Example]:
    """The sentences of a file in order: their words joined by one space, and their tags as they are written.

    Args:
        path: the file; `-` is standard input. Gzip is undone.
        columns: `text` and `label` -> the number of the word's and of the tag's column, from 1.

    Raises:
        InputError: a line that is not UTF-8, has another number of columns than the first, or an empty word or tag.
        UserError: `columns` has something else than these, or a number that the file does not have.
    """
    name = name_of(path)
    with open_bytes(path) as file:
        yield from _sentences(file, name, columns)


def spans_of(words: list[str]) -> tuple[tuple[int, int], ...]:
    """Where each word is in the words joined by one space, in code points."""
    spans, start = [], 0
    for word in words:
        spans.append((start, start + len(word)))
        start += len(word) + 1
    return tuple(spans)


def _sentences(file: IO[bytes], name: str, columns: Mapping[str, str]) -> Iterator[Example]:
    lines = sound_lines(file, name)
    first = _until_first_sentence_ends(lines)
    layout = _layout(first, name, columns)
    sentence, number = _Sentence([], []), 0
    for place, line in chain(first, lines, [(0, "")]):
        ends = not line.strip() or line.startswith(DOCUMENT_START)
        if ends and sentence.words:
            yield sentence.example(name, number)
            sentence, number = _Sentence([], []), number + 1
        elif ends:
            continue
        elif layout is not None and not layout.drops(line):
            word, tag = _word(line, layout, f"{name}:{place}")
            sentence.line = sentence.line or place
            sentence.words.append(word)
            sentence.tags.append(tag)
        elif named := _SENTENCE_ID.match(line):
            sentence.id = named[1]


def _until_first_sentence_ends(lines: Iterator[tuple[int, str]]) -> list[tuple[int, str]]:
    """The lines up to the first blank one behind a word; read now, to see how the file is made."""
    taken, inside = [], False
    for number, line in lines:
        taken.append((number, line))
        if inside and not line.strip():
            break
        inside = inside or bool(line.strip() and not line.startswith((DOCUMENT_START, "#")))
    return taken


def _layout(lines: list[tuple[int, str]], name: str, columns: Mapping[str, str]) -> Layout | None:
    """How the file is made, None where it has no word."""
    for field in columns:
        if field not in ("text", "label"):
            raise UserError(f"{name}: a CoNLL file has no field {field!r}", "Its fields are text and label.")
    words = [(at, line) for at, line in lines if line.strip() and not line.startswith((DOCUMENT_START, "#"))]
    words = words or [(at, line) for at, line in lines if line.startswith("#") and "=" not in line]  # `#` alone
    if not words:
        return None
    separator = "\t" if "\t" in words[0][1].strip() else None
    numbers_of_rows = [(at, row) for at, line in words if not _NO_WORD.fullmatch((row := _split(line, separator))[0])]
    rows = [row for _, row in numbers_of_rows]
    count = len(rows[0]) if rows else 0
    if count < 2:
        at, row = numbers_of_rows[0] if rows else (words[0][0], [words[0][1]])
        raise InputError(f"{name}:{at}: the word {row[0]!r} has no tag: its line has one column", _REMEDY)
    numbered = count > 2 and [row[0] for row in rows] == [str(place) for place in range(1, len(rows) + 1)]
    word, tag = (1, 2) if numbered else (0, count - 1)
    return Layout(
        separator,
        count,
        _chosen(columns, "text", word, count, name),
        _chosen(columns, "label", tag, count, name),
        numbered,
    )


def _chosen(columns: Mapping[str, str], field: str, assumed: int, count: int, name: str) -> int:
    number = columns.get(field, str(assumed + 1))
    if not number.isdecimal() or not 1 <= int(number) <= count:
        raise UserError(
            f"{name}: no column {number!r} for {field!r}; the columns are 1 to {count}",
            f"Name it by its number with --{field}-column.",
        )
    return int(number) - 1


def _word(line: str, layout: Layout, place: str) -> tuple[str, str]:
    row = layout.split(line)
    if len(row) != layout.columns:
        lacks = f"the word {row[layout.word]!r} has no tag: " if layout.word < len(row) <= layout.tag else ""
        columns = f"{len(row)} column{'s' if len(row) > 1 else ''}"
        raise InputError(f"{place}: {lacks}{columns} where the first word has {layout.columns}", _REMEDY)
    for column, what in ((layout.word, "word"), (layout.tag, "tag")):
        if not row[column].strip():
            raise InputError(f"{place}: the {what} (column {column + 1}) is empty", _REMEDY)
    return row[layout.word], row[layout.tag].strip()


def _split(line: str, separator: str | None) -> list[str]:
    """The columns of a line; only spaces and tabs separate, so that U+00A0 and its like can be in a word."""
    line = line.rstrip(" \t")
    return line.split("\t") if separator else re.split(r"[ \t]+", line.lstrip(" \t"))
