"""The running text of a corpus: plain lines, WikiExtractor's documents, or a column of JSON lines; gzip undone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain
from typing import IO

from bertkit.errors import UserError, near_match
from bertkit.formats.catalogue import formats_of_ending
from bertkit.formats.files import check_there, name_of, open_bytes, sound_lines
from bertkit.formats.jsonl import read_texts
from bertkit.formats.wiki import OPENING, is_tag

FORMATS = ("lines", "doc", "jsonl")


def read_corpus(paths: Sequence[str], *, format: str | None = None, text_column: str = "text") -> Iterator[str]:
    """Streams the lines of text of all files, in order, in memory that does not grow with them.

    * `lines`: each line is text.
    * `doc`: as WikiExtractor writes documents, `<doc id=… >` and `</doc>` on lines of their own, which are left out.
    * `jsonl`: the text of one field of each object; line ends inside it stay.

    Args:
        paths: the files; `-` is standard input.
        format: one of `FORMATS`; when left out, `jsonl` by the ending of the file, `doc` where the first line is such
            a tag, else `lines`.
        text_column: the field of `jsonl` that holds the text.

    Raises:
        InputError: a file cannot be read, is not UTF-8, or a field is missing; the line names file and line.
        UserError: an unknown format.
    """
    if format is not None and format not in FORMATS:
        raise UserError(f"unknown format {format!r}{near_match(format, FORMATS)}", f"Use {', '.join(FORMATS)}.")
    for path in paths:
        check_there(path)  # now, and not after an hour of reading the others
    return chain.from_iterable(_read_file(path, format, text_column) for path in paths)


def _read_file(path: str, format: str | None, text_column: str) -> Iterator[str]:
    if format is None and formats_of_ending(path) == ("jsonl",):
        format = "jsonl"
    with open_bytes(path) as file:
        if format == "jsonl":
            yield from (text for _, text in read_texts(file, name_of(path), text_column))
        else:
            yield from _lines(file, name_of(path), format)


def _lines(file: IO[bytes], name: str, format: str | None) -> Iterator[str]:
    for _, line in sound_lines(file, name):
        if format is None:
            format = "doc" if line.startswith(OPENING) else "lines"
        if format == "lines" or not is_tag(line):
            yield line
