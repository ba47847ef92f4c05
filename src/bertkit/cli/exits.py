"""How the program ends: the exit code of every exception, and the two lines that it prints."""

from __future__ import annotations

import errno
import os
import signal
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from operator import attrgetter
from types import FrameType

import typer

from bertkit.errors import BertkitError, OutOfMemory, OutputError, UserError
from bertkit.terminal.messages import print_error

INTERRUPTED = 130  # Ctrl-C
CLOSED_PIPE = 141  # whoever read our output has gone
TERMINATED = 143  # SIGTERM
_WRITING_FAILED = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS}


class Terminated(BaseException):
    """SIGTERM arrived. Like KeyboardInterrupt it is no Exception, so that only clean-up code sees it pass."""


def exit_code(
    run: Callable[[], int], *, debug: bool, remedy: Callable[[BertkitError], str] = attrgetter("remedy")
) -> int:
    """Runs a command to its end and returns the code to exit with; an error becomes two lines on stderr.

    Args:
        run: the command.
        debug: print where an error was raised, too.
        remedy: the second of these lines, of an error.
    """
    try:
        with _sigterm_raises():
            code = run()
            _flush_output()
    except BrokenPipeError:
        _drop_output()
        return CLOSED_PIPE
    except (KeyboardInterrupt, Terminated) as stop:
        _drop_output()
        print("interrupted" if isinstance(stop, KeyboardInterrupt) else "terminated", file=sys.stderr)
        return INTERRUPTED if isinstance(stop, KeyboardInterrupt) else TERMINATED
    except Exception as error:
        if debug:
            traceback.print_exc()
        known = as_bertkit_error(error)
        if isinstance(known, OutputError):
            _drop_output()
        known.remedy = remedy(known)
        print_error(known)
        return known.exit_code
    return code


def as_bertkit_error(error: Exception) -> BertkitError:
    """The error itself; a wrong command line as `UserError`; anything else, a defect, with the remedy for defects."""
    if isinstance(error, BertkitError):
        return error
    if isinstance(error, typer.TyperException):
        message = " ".join(error.format_message().split())
        return UserError(message.replace("Value error, ", ""))  # pydantic's words for a wrong choice
    if isinstance(error, OSError) and error.errno in _WRITING_FAILED:
        return OutputError(f"cannot write: {error.strerror}", "Check the disk that the output goes to.")
    if isinstance(error, MemoryError | RuntimeError | OSError) and _ran_out_of_memory(error):
        return OutOfMemory("not enough memory")
    return BertkitError(f"internal error: {type(error).__name__}: {error}")


def _ran_out_of_memory(error: Exception) -> bool:
    from bertkit.model.out_of_memory import ran_out_of_memory

    return ran_out_of_memory(error)


def _flush_output() -> None:
    if sys.stdout is not None:
        sys.stdout.flush()


def _drop_output() -> None:
    # What is still buffered cannot be written; without this the interpreter tries once more as it ends, and complains.
    if sys.stdout is sys.__stdout__ and sys.stdout is not None:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


@contextmanager
def _sigterm_raises() -> Iterator[None]:
    def raise_terminated(number: int, frame: FrameType | None) -> None:
        raise Terminated

    before = signal.signal(signal.SIGTERM, raise_terminated)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
