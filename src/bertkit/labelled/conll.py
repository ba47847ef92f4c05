"""Columns of words and tags, one word a line and a blank line between sentences: CoNLL and its many kin.

What is told from the first lines of a file, where the user does not say:

* the columns are separated by tabs if the first word's line has one, else by spaces;
* the first column is the word and the last one the tag (CoNLL-2002 and 2003, WNUT, WikiGold);
* unless there are three or more columns and the first one counts 1, 2, 3 … in the first sentence: then the second is
  the word. Of three to five columns the third is the tag (Universal NER, GermEval); of ten, as CoNLL-U and CoNLL-X have
  them, the fourth (UPOS), and the user is told; of other numbers the user is asked, for the third is the lemma in many;
* a file whose third column counts the words from 0 (CoNLL-2012) has names of documents first: the user is asked.

A line that begins with `#` and a space or tab is a comment, unless it has just as many columns as the file and no `=`:
then its word is `#`. Comments, `-DOCSTART-` lines, and CoNLL-U's ranges (`1-2`) and empty nodes (`8.1`) are dropped.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import IO

from bertkit.errors import InputError, UserError
from bertkit.formats.files import name_of, open_bytes, sound_lines
from bertkit.formats.notes import Note, listed, unheard
from bertkit.formats.row import Row
from bertkit.labelled.examples import Example, Tagged

DOCUMENT_START = "-DOCSTART-"
_SENTENCE_ID = re.compile(r"#\s*sent_id\s*=\s*(\S+)")
_AROUND = ("#begin document", "#end document")  # of CoNLL-2012
_NO_WORD = re.compile(r"\d+[-.]\d+")
UNIVERSAL, UPOS = 10, 3  # the columns of CoNLL-U, and which of them, from 0, is the universal part of speech
MOST_SAME = 0.2  # share of words that are their own tag, in a column that nobody has named
UNSAID = "_"  # what CoNLL-U has where it says nothing
_REMEDY = "Every line is a word and its columns; columns can be named by number with --text-column and --label-column."


@dataclass(frozen=True, slots=True)
class ConllColumns:
    """How the lines of one file are made.

    Attributes:
        separator: between columns; None is any number of spaces.
        columns: how many a line has.
        word, tag: which of them, from 0.
        numbered: whether the first one counts the words.
        universal: whether the tag was taken from CoNLL-U's own column, which may say nothing.
    """

    separator: str | None
    columns: int
    word: int
    tag: int
    numbered: bool
    universal: bool = False

    def split(self, line: str) -> list[str]:
        """The columns of a line; one that ends in tabs has empty ones at its end."""
        padded = _cells(line) if self.separator else []
        return padded if len(padded) == self.columns and padded[self.tag] else _split(line, self.separator)

    def drops(self, line: str) -> bool:
        """Whether a line within a document has no word of the text."""
        if line.startswith("#") and (self.numbered or line.startswith(_AROUND)):
            return True
        if line.startswith(("# ", "#\t")) or line == "#":
            return "=" in line or len(self.split(line)) != self.columns
        if line.startswith("#") and "=" in line and len(self.split(line)) != self.columns:
            return True  # `#sent_id=3`, without a space
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


def read_conll(
    path: str, columns: Mapping[str, str], note: Note = unheard, *, tagged: bool = True
) -> Iterator[Example]:
    """The sentences of a file in order: their words joined by one space, and their tags as they are written.

    Args:
        path: the file; `-` is standard input. Gzip is undone.
        columns: `text` and `label` -> the number of the word's and of the tag's column, from 1.
        note: takes a line where the tag is a guess among several columns.
        tagged: whether the tags are read; if not, words alone will do, and each stands for its tag.

    Raises:
        InputError: a line that is not UTF-8, has another number of columns than the first, or an empty word or tag; or
            which column is the tag has to be said, of which one may be told at the end of the file.
        UserError: `columns` has something else than these, or a number that the file does not have.
    """
    name = name_of(path)
    with open_bytes(path) as file:
        yield from _sentences(file, name, columns, note, tagged=tagged)


def spans_of(words: list[str]) -> tuple[tuple[int, int], ...]:
    """Where each word is in the words joined by one space, in code points."""
    spans, start = [], 0
    for word in words:
        spans.append((start, start + len(word)))
        start += len(word) + 1
    return tuple(spans)


def _sentences(
    file: IO[bytes], name: str, columns: Mapping[str, str], note: Note, *, tagged: bool
) -> Iterator[Example]:
    lines = sound_lines(file, name)
    first = _until_first_sentence_ends(lines)
    layout = _layout(first, name, columns, tagged=tagged)
    if layout is not None and layout.universal:
        tag = f"column {UPOS + 1} (UPOS) is the tag; --label-column names another"
        note(f"{name}: {UNIVERSAL} columns, read as CoNLL-U: {tag}")
    sentence, number = _Sentence([], []), 0
    words, same = 0, 0  # and how many of them are their own tag
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
            words, same = words + 1, same + (word == tag and len(word) > 1)
        elif named := _SENTENCE_ID.match(line):
            sentence.id = named[1]
    if layout is not None and tagged and "label" not in columns and same > words * MOST_SAME:
        raise InputError(
            f"{name}: column {layout.tag + 1} repeats the word in {same:,} of {words:,} lines, as lemmas do, not tags",
            "Name the column of the tags by its number, from 1, with --label-column.",
        )


def _until_first_sentence_ends(lines: Iterator[tuple[int, str]]) -> list[tuple[int, str]]:
    """The lines up to the first blank one behind a word; read now, to see how the file is made."""
    taken, inside = [], False
    for number, line in lines:
        taken.append((number, line))
        if inside and not line.strip():
            break
        inside = inside or bool(line.strip() and not line.startswith((DOCUMENT_START, "#")))
    return taken


def _layout(
    lines: list[tuple[int, str]], name: str, columns: Mapping[str, str], *, tagged: bool
) -> ConllColumns | None:
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
    if count < 1 + tagged:
        at, row = numbers_of_rows[0] if rows else (words[0][0], [words[0][1]])
        raise InputError(f"{name}:{at}: the word {row[0]!r} has no tag: its line has one column", _REMEDY)
    numbered = count > 2 and _counts([row[0] for row in rows], 1)
    word = _chosen(columns, "text", int(numbered), count, name)
    if not tagged:
        return ConllColumns(separator, count, word, word, numbered)
    if "label" not in columns:
        _check_known(rows, count, numbered, name)
    universal = numbered and count == UNIVERSAL
    tag = UPOS if universal else 2 if numbered else count - 1
    return ConllColumns(
        separator,
        count,
        word,
        _chosen(columns, "label", tag, count, name),
        numbered,
        universal and "label" not in columns,
    )


def _counts(cells: Sequence[str], first: int) -> bool:
    return list(cells) == [str(number) for number in range(first, first + len(cells))]


def _check_known(rows: Sequence[Sequence[str]], count: int, numbered: bool, name: str) -> None:
    """Refuses to guess the tag among columns of a kind that the rules above do not know.

    Raises:
        InputError: saying which columns there are.
    """
    documents = len(rows) > 1 and count > 3 and not numbered and _counts([row[2] for row in rows if len(row) > 2], 0)
    if documents or (numbered and not 3 <= count <= 5 and count != UNIVERSAL):
        text = " and --text-column" if documents else ""
        raise InputError(
            f"{name}: which of its {count} columns is the tag is not known: the first word's line has "
            f"{listed(list(rows[0]), most=count)}",
            f"Name it by its number, from 1, with --label-column{text}.",
        )


def _chosen(columns: Mapping[str, str], field: str, assumed: int, count: int, name: str) -> int:
    number = columns.get(field, str(assumed + 1))
    if not number.isdecimal() or not 1 <= int(number) <= count:
        raise UserError(
            f"{name}: no column {number!r} for {field!r}; the columns are 1 to {count}",
            f"Name it by its number with --{field}-column.",
        )
    return int(number) - 1


def _word(line: str, layout: ConllColumns, place: str) -> tuple[str, str]:
    row = layout.split(line)
    if len(row) != layout.columns:
        lacks = f"the word {row[layout.word]!r} has no tag: " if layout.word < len(row) <= layout.tag else ""
        columns = f"{len(row)} column{'s' if len(row) > 1 else ''}"
        raise InputError(f"{place}: {lacks}{columns} where the first word has {layout.columns}", _REMEDY)
    for column, what in ((layout.word, "word"), (layout.tag, "tag")):
        if not row[column].strip():
            raise InputError(f"{place}: the {what} (column {column + 1}) is empty", _REMEDY)
    if layout.universal and row[layout.tag] == UNSAID:
        raise InputError(
            f"{place}: the word {row[layout.word]!r} has no UPOS (column {UPOS + 1} is {UNSAID!r})", _REMEDY
        )
    return row[layout.word], row[layout.tag].strip()


def _split(line: str, separator: str | None) -> list[str]:
    """The columns of a line; only spaces and tabs separate, so that U+00A0 and its like can be in a word."""
    line = line.rstrip(" \t")
    if separator:
        return _cells(line)
    return re.split(r"[ \t]+", line.lstrip(" \t"))


def _cells(line: str) -> list[str]:
    """What stands between tabs, without the spaces that pad columns to one width."""
    return [cell.strip(" ") for cell in line.split("\t")]
