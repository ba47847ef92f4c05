from __future__ import annotations

import errno
import io
import sys

import pytest

from bertkit.errors import BertkitError, OutputError
from bertkit.terminal.messages import one_line, print_error, write_line


def test_an_error_cannot_steer_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    print_error(BertkitError("bad \x1b[2J name\n", "do\rthis"))
    assert capsys.readouterr().err == "error: bad  [2J name \n  → do this (docs/errors/BertkitError.md)\n"
    assert one_line("a\u202eb\tc é") == "a b c é"


def test_nothing_is_printed_where_standard_error_is_closed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "stderr", None)
    print_error(BertkitError("x"))
    assert capsys.readouterr().out == ""


class Failing(io.StringIO):
    def __init__(self, error: OSError) -> None:
        super().__init__()
        self.error = error

    def flush(self) -> None:
        raise self.error


def test_a_line_is_written_out_at_once() -> None:
    stream = io.TextIOWrapper(io.BytesIO(), write_through=False)
    write_line(stream, "a")
    assert stream.buffer.getvalue() == b"a\n"  # type: ignore[attr-defined]


def test_failures_to_write_are_output_errors_but_a_closed_pipe_stays_one() -> None:
    with pytest.raises(OutputError, match="cannot write the result: No space left"):
        write_line(Failing(OSError(errno.ENOSPC, "No space left on device")), "a")
    with pytest.raises(BrokenPipeError):
        write_line(Failing(BrokenPipeError()), "a")
