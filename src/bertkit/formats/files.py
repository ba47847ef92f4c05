"""Bytes from a file or from standard input, gzip undone and in UTF-8, cut into checked lines.

Everything here streams: memory does not grow with the length of the file.
"""

from __future__ import annotations

import gzip
import os
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO

from bertkit.errors import InputError, refuse_pointer
from bertkit.formats.encodings import HEAD_BYTES, as_utf8, head_of
from bertkit.formats.notes import Note, unheard
from bertkit.formats.standard_input import standard_input

STDIN = "-"
LONGEST_LINE_BYTES = 64 * 2**20  # a longer "line" is a file of another kind, and would fill the memory
LEAVE_OUT = "Correct the file, or leave the row out."
GO_ON = ", or go on without the bad rows with --on-error record"  # the end of remedies, where that can be done
_GZIP_MAGIC = b"\x1f\x8b"  # no UTF-8 text begins with these, so the content tells, also on standard input
_UTF8_BOM = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class Line:
    """One line without its line end; a line with a `problem` has its bad bytes replaced by U+FFFD."""

    number: int  # the first line is 1
    text: str
    problem: InputError | None


def name_of(path: str) -> str:
    """How a path is called in messages."""
    return "stdin" if path == STDIN else path


def check_there(path: str) -> None:
    """Checks, without opening it (which would block on a named pipe), that there is a file to read.

    Raises:
        InputError: there is no such file, it is a folder, or it may not be read.
    """
    if path == STDIN:
        return
    if not os.path.exists(path):
        raise InputError(f"{path}: no such file", "Check the path.")
    if os.path.isdir(path):
        raise InputError(f"{path}: is a folder, not a file", "Name one file.")
    if not os.access(path, os.R_OK):
        raise InputError(f"{path}: may not be read", "Check its permissions.")


@contextmanager
def open_bytes(path: str, note: Note = unheard) -> Iterator[IO[bytes]]:
    """The bytes of a file (`-`: of standard input), decompressed when they are gzip, text in UTF-8.

    Args:
        note: takes a line where how the text is written is a guess.

    Raises:
        InputError: as `check_there`, or the file cannot be opened.
    """
    if path == STDIN:
        yield _plain(standard_input(), name_of(path), note)
        return
    check_there(path)
    with readable(path, "at all"):
        raw = open(path, "rb", HEAD_BYTES)  # noqa: SIM115 - closed below, outside of what turns errors of reading into ours
    with raw:
        yield _plain(raw, path, note)


def _plain(raw: IO[bytes], name: str, note: Note) -> IO[bytes]:
    with readable(name, "at its beginning"):
        head = head_of(raw)
        refuse_pointer(name, head, InputError)
        file = gzip.GzipFile(fileobj=raw) if head.startswith(_GZIP_MAGIC) else raw
        return as_utf8(file, name, note)  # type: ignore[arg-type]


@contextmanager
def readable(name: str, where: str) -> Iterator[None]:
    """Turns what a failing read raises into an `InputError` that says where (`after line 12`)."""
    try:
        yield
    except (EOFError, zlib.error, gzip.BadGzipFile):
        raise InputError(f"{name}: the gzip data is damaged {where}", "Make or fetch the file again.") from None
    except OSError as error:
        raise InputError(f"{name}: cannot be read {where}: {error.strerror}", "Check the file and its disk.") from None


def read_lines(file: IO[bytes], name: str) -> Iterator[Line]:
    """The lines of a UTF-8 file: LF or CRLF ends dropped, a byte order mark at the start dropped.

    Only LF ends a line: U+2028, form feeds and the like stay inside the text.

    Raises:
        InputError: damaged gzip data, or a line of more than 64 MiB.
    """
    number = 0
    while True:
        with readable(name, f"after line {number}"):
            raw = file.readline(LONGEST_LINE_BYTES + 1)
        if not raw:
            return
        number += 1
        if len(raw) > LONGEST_LINE_BYTES:
            raise InputError(f"{name}:{number}: the line is longer than 64 MiB", "Is this a text file? Check it.")
        if number == 1:
            raw = raw.removeprefix(_UTF8_BOM)
        yield _line(raw.removesuffix(b"\n").removesuffix(b"\r"), number, f"{name}:{number}")


def sound_lines(file: IO[bytes], name: str) -> Iterator[tuple[int, str]]:
    """Number and text of each line, for those who leave no line out.

    Raises:
        InputError: as `read_lines`, or at the first line that has a problem.
    """
    for line in read_lines(file, name):
        if line.problem is not None:
            raise needed(line.problem)
        yield line.number, line.text


def needed(error: InputError) -> InputError:
    """The error of a row where there is no going on without it: the remedy does not offer that."""
    return InputError(error.what, error.remedy.replace(GO_ON, ""))


def _line(raw: bytes, number: int, place: str) -> Line:
    problem = None
    try:
        text = raw.decode()
    except UnicodeDecodeError as error:
        text = raw.decode(errors="replace")
        problem = InputError(
            f"{place}: not valid UTF-8 (byte 0x{raw[error.start]:02x} at byte {error.start + 1} of the line)",
            f"Convert the file to UTF-8{GO_ON}.",
        )
    if problem is None and "\0" in text:
        problem = InputError(f"{place}: contains a NUL character", "Is the file UTF-16 or binary? Convert it to UTF-8.")
    return Line(number, text, problem)
