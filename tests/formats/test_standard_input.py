"""Standard input as lines that may not be there yet."""

from __future__ import annotations

import gzip
import os
import subprocess
import sys
from collections.abc import Iterator

import pytest

from bertkit.formats.standard_input import Live


@pytest.fixture
def pipe() -> Iterator[tuple[Live, int]]:
    reading, writing = os.pipe()
    yield Live(reading), writing
    for descriptor in (reading, writing):
        try:
            os.close(descriptor)
        except OSError:
            continue


def test_it_waits_for_what_is_not_there(pipe: tuple[Live, int]) -> None:
    live, writing = pipe
    assert live.waits()
    os.write(writing, b"one\ntwo\nthr")
    assert not live.waits()
    assert live.readline() == b"one\n"
    assert not live.waits(), "the second line has been read ahead"
    assert live.readline() == b"two\n"
    assert live.waits(), "half a line is none"
    os.close(writing)
    assert not live.waits(), "the end is there"
    assert [live.readline(), live.readline()] == [b"thr", b""]
    assert not live.waits()


def test_bytes_at_large(pipe: tuple[Live, int]) -> None:
    live, writing = pipe
    os.write(writing, b"abc\ndefgh")
    assert live.peek(2) == b"ab"
    assert live.readline(2) == b"ab"
    assert live.readline(50) == b"c\n"
    assert live.read(2) == b"de"
    os.close(writing)
    assert live.read() == b"fgh"
    assert (live.read(5), live.peek(1), live.readable()) == (b"", b"", True)


def test_a_long_line_comes_whole(pipe: tuple[Live, int]) -> None:
    live, writing = pipe
    line = b"x" * 300_000 + b"\n"
    if os.fork() == 0:
        os.write(writing, line)
        os._exit(0)
    os.close(writing)
    assert live.readline() == line
    os.wait()


READ = """
from bertkit.formats.rows import read_rows
from bertkit.formats.standard_input import waits
print(waits())
for row in read_rows("-"):
    print(row.fields["text"])
print(waits())
"""


@pytest.mark.parametrize("data", [b"one\ntwo\n", gzip.compress(b"one\ntwo\n")], ids=["plain", "gzip"])
def test_a_process_reads_its_own(data: bytes) -> None:
    done = subprocess.run([sys.executable, "-c", READ], input=data, capture_output=True, check=True)
    assert done.stdout.decode().split() == ["False", "one", "two", "False"]
