"""Lines for the user: each is one line, cannot steer the terminal, and is seen as soon as it is written."""

from __future__ import annotations

import os
import sys
from typing import TextIO

from bertkit.errors import BertkitError, OutputError


def say(line: str) -> None:
    """A line beside the results, on standard error."""
    print(one_line(line), file=sys.stderr)


def print_error(error: BertkitError) -> None:
    """One line saying what, one saying what to do, on standard error."""
    if sys.stderr is None:  # closed; print(file=None) would write to standard output
        return
    heading = "\x1b[1;31merror:\x1b[0m" if is_coloured(sys.stderr) else "error:"
    print(f"{heading} {one_line(error.what)}\n  → {one_line(error.remedy)} ({error.page})", file=sys.stderr)


def one_line(text: str) -> str:
    """The text on one line, without characters that would steer the terminal."""
    return "".join(character if character.isprintable() else " " for character in text)


def write_line(stream: TextIO, line: str) -> None:
    """Writes one line at once, so that whoever reads a pipe has each record as soon as it is known.

    Raises:
        BrokenPipeError: the reader has gone.
        OutputError: it cannot be written.
    """
    try:
        stream.write(line)
        stream.write("\n")
        stream.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        raise OutputError(f"cannot write the result: {error.strerror}", "Check the disk that it goes to.") from None


def is_coloured(stream: TextIO) -> bool:
    """Whether what is written there may have colours: a terminal's, unless NO_COLOR or TERM=dumb says no."""
    return stream.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
