"""The documents of a corpus, one after the other, whatever they are written in; gzip is undone.

Memory does not grow with a file, only with its longest document, of which 64 MiB are allowed.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import PurePath
from typing import IO

from bertkit.errors import InputError, UserError, near_match
from bertkit.formats.files import STDIN, check_there, name_of, open_bytes, readable, sound_lines
from bertkit.formats.jsonl import read_texts
from bertkit.formats.parquet import read_text_column
from bertkit.formats.wiki import OPENING, documents_between_tags, is_tag, running_text

FORMATS = ("doc", "blank-line", "jsonl", "parquet", "lines", "text")
LONGEST_DOCUMENT = 64 * 2**20  # in characters; a longer one is a file of another format, and would fill the memory
_OF_ENDING = {".jsonl": "jsonl", ".ndjson": "jsonl", ".parquet": "parquet"}
_SNIFFED_BYTES = 64 * 2**10
_BLANK_LINE = re.compile(rb"\n[ \t\r]*\n")
_Item = tuple[int, str | list[str]]  # number of its first line (or row); its text, or its sentences


@dataclass(frozen=True, slots=True)
class Document:
    """One document.

    Args:
        text: running text, its paragraphs separated by line ends; None where the source says what the sentences are.
        sentences: these sentences, none empty; without any where there is a text.
        place: where it begins, as errors do: `wiki_00.txt.gz:12`.
        number: how many documents come before it in its file.
    """

    text: str | None
    sentences: tuple[str, ...]
    place: str
    number: int


def list_sources(paths: Sequence[str]) -> list[str]:
    """The files to read: each path that is a file, and every file below each that is a folder, sorted by its path.

    Files and folders whose names begin with "." are left out, and links to folders below are not followed.

    Raises:
        InputError: a path is not there or may not be read, or a folder has no files.
    """
    files: list[str] = []
    for path in paths:
        found = _files_below(path) if path != STDIN and os.path.isdir(path) else [path]
        if not found:
            raise InputError(f"{path}: no files in this folder", "Name files, or a folder that has some.")
        for file in found:
            check_there(file)
        files += found
    return files


def read_documents(
    path: str, *, format: str | None = None, text_column: str = "text", start: int = 0
) -> Iterator[Document]:
    """Streams the documents of a file, in order.

    * `doc`: as WikiExtractor writes them; title and section titles are left out (`bertkit.formats.wiki` says how).
    * `blank-line`: as Google's `create_pretraining_data` reads them: a sentence a line, blank lines between documents.
    * `jsonl`: the text of one field of each object.
    * `parquet`: the text of one column of each row; needs pyarrow.
    * `lines`: each line that is not blank.
    * `text`: the whole file.

    Args:
        path: the file; `-` is standard input.
        format: one of these. When left out, by the ending of the file; else by its first 64 KiB: `doc` where the first
            line that is not blank is such a tag, `blank-line` where there are blank lines, else `lines`.
        text_column: the field or column that holds the text.
        start: how many documents to skip.

    Raises:
        InputError: the file cannot be read, is not UTF-8, is not what the format says; the line names file and line.
        UserError: an unknown format, or none given for what cannot be read twice.
    """
    if format is not None and format not in FORMATS:
        raise UserError(f"unknown format {format!r}{near_match(format, FORMATS)}", f"Use {', '.join(FORMATS)}.")
    check_there(path)  # now, and not when the first document is taken
    return _documents(path, format or format_of(path), text_column, start)


def _documents(path: str, format: str, text_column: str, start: int) -> Iterator[Document]:
    name = name_of(path)
    with open_bytes(path) as file:
        for number, (line, content) in enumerate(_items(file, name, format, text_column, start), start):
            sentences = () if isinstance(content, str) else tuple(content)
            yield Document(content if isinstance(content, str) else None, sentences, f"{name}:{line}", number)


def _items(file: IO[bytes], name: str, format: str, text_column: str, start: int) -> Iterator[_Item]:
    """What is skipped is read but, where that costs more than reading, not understood."""
    if format == "parquet":
        yield from read_text_column(file, name, text_column, start)
        return
    if format == "jsonl":
        yield from read_texts(file, name, text_column, start)
        return
    lines = sound_lines(file, name)
    if format == "doc":
        for began, tag, inside in islice(documents_between_tags(_measured(lines, name, is_tag), name), start, None):
            yield began, running_text(tag, inside)
    elif format == "blank-line":
        yield from islice(_between_blank_lines(_measured(lines, name, _is_blank)), start, None)
    elif format == "lines":
        yield from islice(((number, line) for number, line in lines if line.strip()), start, None)
    elif not start:
        text = "\n".join(line for _, line in _measured(lines, name, lambda line: False))
        if text.strip():
            yield 1, text


def _between_blank_lines(lines: Iterable[tuple[int, str]]) -> Iterator[_Item]:
    began, sentences = 0, list[str]()
    for number, line in lines:
        sentence = line.strip()
        if sentence:
            began = began or number
            sentences.append(sentence)
        elif sentences:
            yield began, sentences
            began, sentences = 0, []
    if sentences:
        yield began, sentences


def _is_blank(line: str) -> bool:
    return not line.strip()


def _measured(lines: Iterable[tuple[int, str]], name: str, ends: Callable[[str], bool]) -> Iterator[tuple[int, str]]:
    """The same lines; refuses when too many come between two that end a document."""
    began, length = 1, 0
    for number, line in lines:
        length += len(line) + 1
        if ends(line):
            began, length = number, 0
        if length > LONGEST_DOCUMENT:
            raise InputError(f"{name}:{began}: the document is longer than 64 Mi characters", "Say another --format.")
        yield number, line


def _files_below(folder: str) -> list[str]:
    found: list[str] = []
    for parent, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".")]
        found += [os.path.join(parent, name) for name in files if not name.startswith(".")]
    return sorted(found)


def format_of(path: str) -> str:
    """How a file looks as if it were written: by its ending, else by its first 64 KiB.

    Raises:
        UserError: it cannot be told, since the file cannot be read twice.
    """
    ending = PurePath(path.lower().removesuffix(".gz")).suffix
    if ending in _OF_ENDING:
        return _OF_ENDING[ending]
    if not os.path.isfile(path):
        raise UserError(f"{name_of(path)}: its format is not known", f"Say it with --format {'|'.join(FORMATS)}.")
    with open_bytes(path) as file, readable(path, "at its beginning"):
        head = file.read(_SNIFFED_BYTES).removeprefix(b"\xef\xbb\xbf").strip()
    if head.startswith(OPENING.encode()):
        return "doc"
    return "blank-line" if _BLANK_LINE.search(head) else "lines"
