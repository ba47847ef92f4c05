from __future__ import annotations

import gzip
import io
import os
import sys
from pathlib import Path

import pytest

from bertkit.errors import InputError
from bertkit.formats import files
from bertkit.formats.files import check_there, open_bytes, read_lines


def lines_of(data: bytes) -> list[str]:
    return [line.text for line in read_lines(io.BytesIO(data), "f")]


def test_lines_end_at_lf_and_crlf_and_nowhere_else() -> None:
    data = "a\r\nb\nc\u2028d\x0ce\x85f\rg\n\nlast".encode()
    assert lines_of(data) == ["a", "b", "c\u2028d\x0ce\x85f\rg", "", "last"]


def test_a_byte_order_mark_is_dropped_at_the_start_only() -> None:
    assert lines_of("\ufeffa\n\ufeffb\n".encode()) == ["a", "\ufeffb"]


def test_an_empty_file_has_no_lines() -> None:
    assert lines_of(b"") == []


def test_invalid_utf8_names_file_line_and_byte_and_reading_goes_on() -> None:
    good, bad, after = read_lines(io.BytesIO(b"good\nab\xffc\nafter\n"), "notes.txt")
    assert good.problem is None
    assert str(bad.problem) == "notes.txt:2: not valid UTF-8 (byte 0xff at byte 3 of the line)"
    assert bad.text == "ab\ufffdc"
    assert (after.number, after.text, after.problem) == (3, "after", None)


def test_a_nul_is_a_problem() -> None:
    (line,) = read_lines(io.BytesIO(b"a\0b\n"), "f")
    assert str(line.problem) == "f:1: contains a NUL character"
    assert line.problem is not None
    assert "UTF-16" in line.problem.remedy


def test_an_endless_line_is_refused_before_it_fills_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "LONGEST_LINE_BYTES", 10)
    lines = read_lines(io.BytesIO(b"short\n" + b"x" * 11), "f")
    assert next(lines).text == "short"
    with pytest.raises(InputError, match=r"^f:2: the line is longer"):
        next(lines)


@pytest.mark.parametrize("name", ["a.txt", "a.txt.gz", "a.log"])
def test_gzip_is_told_by_its_content(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_bytes(gzip.compress(b"one\ntwo\n"))
    with open_bytes(str(path)) as file:
        assert file.read() == b"one\ntwo\n"


def test_a_gz_name_without_gzip_content_is_read_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "a.txt.gz"
    path.write_bytes(b"plain\n")
    with open_bytes(str(path)) as file:
        assert file.read() == b"plain\n"


def test_standard_input_may_be_gzip_too(monkeypatch: pytest.MonkeyPatch) -> None:
    data = io.BufferedReader(io.BytesIO(gzip.compress(b"one\n")))  # type: ignore[arg-type]
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(data))
    with open_bytes("-") as file:
        assert file.read() == b"one\n"


@pytest.mark.parametrize("damage", [slice(0, -6), slice(0, 14)], ids=["end missing", "most missing"])
def test_truncated_gzip_is_refused(tmp_path: Path, damage: slice) -> None:
    path = tmp_path / "a.txt.gz"
    path.write_bytes(gzip.compress(os.urandom(300).hex().encode())[damage])
    with open_bytes(str(path)) as file, pytest.raises(InputError, match="gzip data is damaged after line 0"):
        list(read_lines(file, "a.txt.gz"))


def test_gzip_with_flipped_bits_is_refused(tmp_path: Path) -> None:
    data = bytearray(gzip.compress(b"one\ntwo\n" * 50))
    data[-5] ^= 1  # the check sum
    path = tmp_path / "a.txt.gz"
    path.write_bytes(data)
    with open_bytes(str(path)) as file, pytest.raises(InputError, match="gzip data is damaged"):
        list(read_lines(file, "a.txt.gz"))


def test_what_is_not_a_readable_file_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InputError, match=r"gone\.txt: no such file"):
        check_there(str(tmp_path / "gone.txt"))
    with pytest.raises(InputError, match="is a folder"):
        check_there(str(tmp_path))
    secret = tmp_path / "secret.txt"
    secret.write_text("x")
    monkeypatch.setattr(os, "access", lambda *_: False)
    with pytest.raises(InputError, match=r"secret\.txt: may not be read"), open_bytes(str(secret)):
        pass


def test_a_failing_disk_is_an_input_error() -> None:
    class Broken(io.BytesIO):
        def readline(self, size: int | None = -1, /) -> bytes:
            raise OSError(5, "Input/output error")

    with pytest.raises(InputError, match="f: cannot be read after line 0: Input/output error"):
        list(read_lines(Broken(), "f"))
