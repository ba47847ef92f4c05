"""The formats of files that hold rows, an entry each: what a format is, and by which endings and content it is told."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePath

from bertkit.errors import UserError, near_match
from bertkit.formats.dialects import split_format
from bertkit.formats.encodings import head_of
from bertkit.formats.files import STDIN, name_of, open_bytes
from bertkit.formats.notes import Note

_TAGGED_LINE = re.compile(r"\S+(?:\t|[ \t]+).*?(?:O|[BIESLUMW]-\S+)\s*")
_LOOKED_AT = 50  # lines
FASTTEXT_LABEL = "__label__"


def _anything(lines: Sequence[str]) -> bool:
    return True


def _labels_first(lines: Sequence[str]) -> bool:
    return bool(lines) and all(line.startswith(FASTTEXT_LABEL) for line in lines)


def _words_with_tags(lines: Sequence[str]) -> bool:
    return bool(lines) and all(_TAGGED_LINE.fullmatch(line) for line in lines if not line.startswith("-DOCSTART-"))


def _paragraphs(lines: Sequence[str]) -> bool:
    return any('"paragraphs"' in line for line in lines)


def _object_a_line(lines: Sequence[str]) -> bool:
    return len(lines) > 1 and _is_whole_object(lines[0])


def _is_whole_object(line: str) -> bool:
    try:
        return isinstance(json.loads(line), dict)
    except (ValueError, RecursionError):
        return False


@dataclass(frozen=True, slots=True)
class Format:
    """One format.

    Attributes:
        what: a line for people: what such a file is like.
        endings: of its files' names, `.gz` put aside.
        looks_so: whether the first lines of a file, blank ones left out, are of it; asked where several formats have
            the ending.
        sure: whether that is no guess, either way.
    """

    what: str
    endings: tuple[str, ...]
    looks_so: Callable[[Sequence[str]], bool] = _anything
    sure: bool = False


# Of those with one ending, the ones that can be told by their content come first.
FORMATS: Mapping[str, Format] = {
    "fasttext": Format(
        "fastText's lines: `__label__name`, perhaps several, then the text", (".txt",), _labels_first, sure=True
    ),
    "conll": Format(
        "a word and its columns a line, a blank line between sentences",
        (".conll", ".conllu", ".iob", ".iob2", ".bio", ".txt"),
        _words_with_tags,
    ),
    "lines": Format("each line is a text; an empty one too", (".txt",)),
    "squad": Format(
        "SQuAD's articles with paragraphs and questions, under `data` or a list", (".json",), _paragraphs, sure=True
    ),
    "jsonl": Format(
        "an object a line; exports of annotation tools too", (".jsonl", ".ndjson", ".json"), _object_a_line, sure=True
    ),
    "json": Format("a list of objects, also under `data`; objects of columns, as pandas writes them", (".json",)),
    "csv": Format("a header line and rows between commas, semicolons, tabs or `|`; fields may be quoted", (".csv",)),
    "tsv": Format(
        'a header line and rows between tabs; `"` is a character, unless fields are quoted', (".tsv", ".tab")
    ),
    "parquet": Format("Parquet; needs pyarrow", (".parquet",)),
}
# Of which any reader of rows makes rows by itself; the other two are of tasks (`bertkit.labelled`).
OF_ROWS = ("lines", "fasttext", "jsonl", "json", "csv", "tsv", "parquet")


def choose_format(path: str, format: str | None, known: Collection[str], whose: str, note: Note) -> str:
    """The format to read a file in: the one that is named, else by its ending and, where that says several, its lines.

    Args:
        path: `-` is standard input.
        format: a name, with a delimiter as `csv:;`, or None.
        known: the formats that can be read here.
        whose: what reads them, for messages.
        note: takes a line where the content told it.

    Raises:
        UserError: it is not known here, or not told by the ending.
    """
    say = f"Say it with --format {'|'.join(known)}."
    if format is not None:
        if split_format(format)[0] not in known:
            hint = near_match(format, known)
            raise UserError(f"{whose} is not read from format {format!r}{hint}", say)
        return format
    if path == STDIN:
        raise UserError("stdin: the format is not known", say)
    named = [name for name in formats_of_ending(path) if name in known]
    if not named:
        raise UserError(f"{name_of(path)}: the ending does not say a format that {whose} is read from", say)
    only = FORMATS[named[0]] if len(named) == 1 and os.path.isfile(path) else None
    if only is not None and only.sure and len(only.endings) == 1 and not only.looks_so(first_lines(path)):
        raise UserError(f"{path}: not read by {whose} unless it is {named[0]}: {only.what}", say)
    return _by_content(path, named, note)


def _by_content(path: str, named: Sequence[str], note: Note) -> str:
    """Of the formats that an ending may mean, the one that the first lines are of; the last one where none is."""
    if len(named) == 1 or not os.path.isfile(path):
        return named[-1]
    lines = first_lines(path)
    chosen = next((name for name in named if FORMATS[name].looks_so(lines)), named[-1])
    if chosen != named[-1] and not FORMATS[chosen].sure:
        note(f"{path}: read as {chosen}: {FORMATS[chosen].what}; --format {named[-1]} reads it as that")
    return chosen


def formats_of_ending(path: str) -> tuple[str, ...]:
    """The formats that files with this ending have, those that content tells first."""
    ending = PurePath(path.lower().removesuffix(".gz")).suffix
    return tuple(name for name, format in FORMATS.items() if ending in format.endings)


def first_lines(path: str) -> list[str]:
    """The first whole lines of a file, blank ones left out."""
    with open_bytes(path) as file:
        text = head_of(file).decode(errors="replace").removeprefix("\ufeff")
    lines = text.splitlines()[:_LOOKED_AT]
    whole = lines[:-1] if len(lines) > 1 and not text.endswith("\n") and len(lines) < _LOOKED_AT else lines
    return [line for line in whole if line.strip()]
