from __future__ import annotations

import bz2
import io
import random
from pathlib import Path

import pytest

from bertkit.errors import InputError
from bertkit.formats.encodings import as_utf8
from bertkit.formats.files import open_bytes
from bertkit.formats.rows import read_rows
from bertkit.formats.standard_input import Live

TEXT = "text,label\nTée 😀,1\nb,0\n" * 2000


class Few(io.RawIOBase):
    """Gives a few bytes at a time, so that characters are cut."""

    def __init__(self, data: bytes) -> None:
        self._data = io.BytesIO(data)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray) -> int:  # type: ignore[override]
        piece = self._data.read(min(len(buffer), 37))
        buffer[: len(piece)] = piece
        return len(piece)


def recoded(data: bytes, said: list[str] | None = None) -> bytes:
    file = io.BufferedReader(Few(data))  # type: ignore[type-var]
    return as_utf8(file, "f", [].append if said is None else said.append).read()  # type: ignore[arg-type]


@pytest.mark.parametrize("encoding", ["utf-16", "utf-32", "utf-16-le", "utf-16-be"])
def test_wide_encodings_become_utf8(encoding: str) -> None:
    said: list[str] = []
    assert recoded(TEXT.encode(encoding), said).decode() == TEXT
    guessed = encoding.endswith("e")
    assert said == ([f"f: read as {encoding.upper()}, by its zero bytes; it has no byte order mark"] if guessed else [])


def test_big_endian_with_a_mark() -> None:
    assert recoded("\ufeffa\nb".encode("utf-16-be")).decode() == "a\nb"


def test_what_is_utf8_is_the_same_file() -> None:
    for data in (b"", b"a\r\nb\r\n", "\ufeffa\n".encode(), b"a\rb\nc", b"\xff\xffa", b"a\r", b"\0\1\2\3\0"):
        file = io.BufferedReader(io.BytesIO(data))  # type: ignore[arg-type]
        assert as_utf8(file, "f", print) is file


def test_line_ends_of_old_macs_are_read_and_said() -> None:
    said: list[str] = []
    assert recoded(b"a\rb\r\xff\r", said) == b"a\nb\n\xff\n"  # a bad byte stays for who reads the line
    assert said == ["f: read with CR as line ends, as old Macs wrote them"]


def test_both_kinds_of_line_ends_are_refused_by_name() -> None:
    with pytest.raises(InputError, match="f: line ends of CR alone, and others further on") as caught:
        recoded(b"a\r" * 50 + b"b\nc")
    assert caught.value.remedy == "Convert the file to UTF-8 with LF line ends."


def test_broken_utf16_is_refused_by_name() -> None:
    with pytest.raises(InputError, match="f: not valid UTF-16"):
        recoded("ab".encode("utf-16") + b"\x00\xd8a")


def test_rows_of_files_and_of_standard_input(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(TEXT.encode("utf-16"))
    assert sum(1 for _ in read_rows(str(path))) == 5999  # the header comes again as a row
    with path.open("rb") as file:
        monkeypatch.setattr("bertkit.formats.files.standard_input", lambda: Live(file.fileno()))
        with open_bytes("-") as found:
            assert found.read().decode() == TEXT


def test_what_is_no_text_is_left_as_it_is() -> None:
    """Small files of bytes may have a CR and no LF, as those of old Macs have."""
    pyarrow = pytest.importorskip("pyarrow", reason="pyarrow is not installed")
    parquet = pytest.importorskip("pyarrow.parquet", reason="pyarrow is not installed")
    chance = random.Random(0)
    files = []
    for _ in range(200):
        table = io.BytesIO()
        words = ["a" * chance.randint(1, 9) for _ in range(chance.randint(1, 13))]
        parquet.write_table(pyarrow.table({"text": words}), table, compression="none")
        files += [table.getvalue(), bz2.compress(" ".join(words).encode())]
    alike = [data for data in files if b"\r" in data[:-1] and b"\n" not in data]
    assert len(alike) > 5
    for data in alike:
        said: list[str] = []
        assert recoded(data, said) == data
        assert said == []
