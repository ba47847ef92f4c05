from __future__ import annotations

import os
import pty
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import typer

from bertkit.cli.exits import as_bertkit_error, exit_code
from bertkit.errors import DeviceError, OutOfMemory, OutputError, UserError

PROGRAM = [sys.executable, str(Path(__file__).with_name("fake_program.py"))]


def start(*arguments: str, **pipes: int) -> subprocess.Popen[bytes]:
    return subprocess.Popen([*PROGRAM, *arguments], **{"stdout": -1, "stderr": -1, "stdin": -1, **pipes})


def raising(error: BaseException) -> Callable[[], int]:
    def run() -> int:
        raise error

    return run


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (OutputError("x"), 1),
        (DeviceError("x"), 2),
        (ValueError("x"), 1),
        (MemoryError(), 1),
        (KeyboardInterrupt(), 130),
        (BrokenPipeError(), 141),
    ],
)
def test_every_end_has_its_code_and_no_traceback(
    error: BaseException, code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    assert exit_code(raising(error), debug=False) == code
    assert "Traceback" not in capsys.readouterr().err


def test_sigterm_is_handled_only_while_a_command_runs() -> None:
    before = signal.getsignal(signal.SIGTERM)
    inside = []

    def run() -> int:
        inside.append(signal.getsignal(signal.SIGTERM))
        return 0

    assert exit_code(run, debug=False) == 0
    assert inside[0] is not before
    assert signal.getsignal(signal.SIGTERM) is before


def test_typers_errors_become_ours_on_one_line() -> None:
    error = as_bertkit_error(typer.BadParameter("must be\n  one of a, b"))
    assert isinstance(error, UserError)
    assert error.what == "Invalid value: must be one of a, b"


@pytest.mark.parametrize(
    "error", [MemoryError(), RuntimeError("CUDA error: out of memory"), OSError(12, "Cannot allocate memory")]
)
def test_no_memory_says_what_helps(error: Exception) -> None:
    error = as_bertkit_error(error)
    assert isinstance(error, OutOfMemory)
    assert error.what == "not enough memory"
    assert "--batch-tokens" in error.remedy


@pytest.mark.parametrize(("no_colour", "first"), [("", b"\x1b[1;31merror:"), ("1", b"error:")])
def test_no_color_is_honoured_on_a_terminal(no_colour: str, first: bytes) -> None:
    ours, theirs = pty.openpty()
    environment = {**os.environ, "NO_COLOR": no_colour, "TERM": "xterm"}
    done = subprocess.run([*PROGRAM, "predcit"], stderr=theirs, env=environment, check=False)
    os.close(theirs)
    assert done.returncode == 2
    assert os.read(ours, 1000).startswith(first)
    os.close(ours)


@pytest.mark.parametrize(
    ("number", "code", "word"), [(signal.SIGINT, 130, b"interrupted\n"), (signal.SIGTERM, 143, b"terminated\n")]
)
def test_a_signal_ends_in_the_middle_of_work_without_a_partial_file(
    tmp_path: Path, number: signal.Signals, code: int, word: bytes
) -> None:
    output = tmp_path / "out.jsonl"
    rows = tmp_path / "rows.txt"
    rows.write_text("one\ntwo\nslow\n")
    with start("predict", "-i", str(rows), "-o", str(output)) as process:
        while len(list(tmp_path.iterdir())) < 2 and process.poll() is None:  # until the temporary file is there
            time.sleep(0.02)
        time.sleep(0.3)
        process.send_signal(number)
        out, err = process.communicate(timeout=120)
    assert (process.returncode, out, err) == (code, b"", word)
    assert [path.name for path in tmp_path.iterdir()] == ["rows.txt"]


def test_ctrl_c_while_waiting_for_standard_input() -> None:
    with start("predict", "--json") as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(b"one\ntwo\nthree")
        process.stdin.flush()
        first = process.stdout.readline()  # the batch of two is answered while the pipe is still open
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=120)
    assert first.startswith(b'{"embedding": [3.00000000, 1.00000000, 0.100000000]')
    assert (process.returncode, err) == (130, b"interrupted\n")


@pytest.mark.parametrize("arguments", [["predict", "--json", "-i", "-"], ["predict", "-i", "-"]])
def test_a_closed_pipe_ends_quietly(arguments: list[str]) -> None:
    with start(*arguments) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdout.close()
        process.stdin.write(b"a text\n" * 10)
        process.stdin.close()
        process.stdin = process.stdout = None
        _, err = process.communicate(timeout=120)
    assert (process.returncode, err) == (141, b"")


def test_help_into_a_closed_pipe_ends_quietly() -> None:
    with start("--help") as process:
        assert process.stdout is not None
        process.stdout.close()
        process.stdout = None
        _, err = process.communicate(timeout=120)
    assert (process.returncode, err) == (141, b"")


def test_a_full_disk_is_an_error_of_writing() -> None:
    with open("/dev/full", "wb") as full:
        done = subprocess.run([*PROGRAM, "predict", "--json", "x"], stdout=full, stderr=-1, check=False)
    assert done.returncode == 1
    assert done.stderr.decode().splitlines() == [
        "error: cannot write the result: No space left on device",
        "  → Check the disk that it goes to. (docs/errors/OutputError.md)",
    ]


def test_help_on_a_full_disk_is_an_error_of_writing_too() -> None:
    with open("/dev/full", "wb") as full:
        done = subprocess.run([*PROGRAM, "--help"], stdout=full, stderr=-1, check=False)
    assert done.returncode == 1
    assert done.stderr.decode().startswith("error: cannot write")
    assert b"Traceback" not in done.stderr


def test_closed_standard_output_is_an_error() -> None:
    done = subprocess.run(
        ["bash", "-c", '"$@" >&-', "bash", *PROGRAM, "predict", "x"], stderr=-1, stdin=-3, check=False
    )
    assert done.returncode == 1
    assert done.stderr.decode().startswith("error: standard output is closed\n")


def test_output_is_utf8_whatever_the_locale() -> None:
    environment = {**os.environ, "PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"}
    command = [*PROGRAM, "predict", "--task", "new-task", "--json"]
    done = subprocess.run(command, input="é\n".encode(), stdout=-1, stderr=-1, env=environment, check=False)
    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout.startswith('{"answer": "é"'.encode())
    done = subprocess.run(command, input=b"\xff\n", stderr=-1, env=environment, check=False)
    assert done.returncode == 2
    assert "  → Convert the file" in done.stderr.decode()
