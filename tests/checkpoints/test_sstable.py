"""Tables are read and written as LevelDB does, and every way in which one can be wrong is told apart."""

from __future__ import annotations

import re
import struct
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bertkit.checkpoints.sstable import is_table, read_table, table
from bertkit.checkpoints.wire import varint
from bertkit.errors import BadCheckpoint
from tests.checkpoints.plain_bundle import plain_content, plain_table, read_plain_table

ENTRIES = {b"bert/layer_%d/%s" % (layer, part): bytes([layer]) for layer in range(30) for part in (b"bias", b"kernel")}


def write(folder: Path, content: bytes) -> Path:
    (folder / "a.index").write_bytes(content)
    return folder / "a.index"


def test_another_reader_reads_what_is_written(tmp_path: Path) -> None:
    path = write(tmp_path, table(ENTRIES))
    assert read_plain_table(path) == sorted(ENTRIES.items())
    assert list(read_table(path).items()) == sorted(ENTRIES.items())
    assert is_table(path.read_bytes()[-48:])


@given(st.dictionaries(st.binary(max_size=40), st.binary(max_size=200), min_size=1, max_size=40))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_keys_and_values_round_trip(tmp_path: Path, entries: dict[bytes, bytes]) -> None:
    path = write(tmp_path, table(entries))
    assert list(read_table(path).items()) == read_plain_table(path) == sorted(entries.items())


def test_several_blocks_are_read_in_order(tmp_path: Path) -> None:
    path = write(tmp_path, plain_table([[(b"a", b"1"), (b"b", b"2")], [(b"c", b"3")], []]))
    assert read_table(path) == {b"a": b"1", b"b": b"2", b"c": b"3"}


def longer_and_longer(keys: int) -> bytes:
    """A block of few bytes whose keys each go on from all of the one before."""
    grown = b"".join(varint(2 * number) + varint(2) + varint(0) + b"zz" for number in range(keys))
    return grown + RESTART


RESTART = struct.pack("<II", 0, 1)
WHOLE = table(ENTRIES)
BAD = {
    "empty": (b"", "not a TensorFlow checkpoint's index, or truncated"),
    "something else": (b"a text file\n" * 9, "not a TensorFlow checkpoint's index, or truncated"),
    "truncated": (WHOLE[:-1], "not a TensorFlow checkpoint's index, or truncated"),
    "the front is missing": (WHOLE[-100:], "a block ends at byte"),
    "only a footer": (WHOLE[-48:], "a block ends at byte"),
    "a changed byte": (WHOLE[:30] + b"?" + WHOLE[31:], "the checksum of the block at byte 0 does not match"),
    "a changed footer": (WHOLE[:-48] + b"\xff" * 40 + WHOLE[-8:], "no number at byte 0"),
    "snappy": (
        plain_table([[(b"a", b"1")]], kind=1),
        r"the block at byte 0 is compressed \(snappy\), which is not supported",
    ),
    "unknown compression": (plain_table([[(b"a", b"1")]], kind=9), r"is compressed \(9\)"),
    "out of order": (plain_table([[(b"b", b"1")], [(b"a", b"2")]]), "its keys are out of order"),
    "twice": (plain_table([[(b"a", b"1")], [(b"a", b"2")]]), "its keys are out of order"),
    "no restarts": (plain_table([b"\1"]), "shorter than its own list of restarts"),
    "too many restarts": (plain_table([struct.pack("<I", 2**31)]), "shorter than its own list of restarts"),
    "shares too much": (plain_table([b"\5\1\1ab" + RESTART]), "a key or value is longer than its block"),
    "a long value": (plain_table([b"\0\1\x7fab" + RESTART]), "a key or value is longer than its block"),
    "a number without end": (plain_table([b"\0\1\xff" + b"\xff" * 10 + RESTART]), "no number at byte 2"),
    "keys of keys": (plain_table([longer_and_longer(2_000)]), "its keys repeat one another more than"),
    "a block again and again": (plain_table([[(b"a", b"1" * 9_000)]] * 99), "its keys are out of order"),
    "a git pointer": (b"version https://git-lfs.github.com/spec/v1\n", "a Git LFS pointer"),
}


@pytest.mark.parametrize(("content", "says"), BAD.values(), ids=BAD)
def test_what_is_wrong_is_said(tmp_path: Path, content: bytes, says: str) -> None:
    path = write(tmp_path, content)
    with pytest.raises(BadCheckpoint, match=says) as caught:
        read_table(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert "\n" not in str(caught.value)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(BadCheckpoint, match=re.escape(f"{tmp_path / 'a.index'}: cannot be read: No such file")):
        read_table(tmp_path / "a.index")


@given(st.integers(0, len(WHOLE) - 1), st.integers(1, 255))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_changed_byte_goes_unnoticed(tmp_path: Path, place: int, change: int) -> None:
    """All but those of the empty block, which nobody reads, and of the footer beside the one handle that counts."""
    content = bytearray(WHOLE)
    content[place] ^= change
    path = write(tmp_path, bytes(content))
    try:
        assert list(read_table(path).items()) == sorted(ENTRIES.items())
    except BadCheckpoint:
        pass
    else:
        empty = WHOLE.index(plain_content([]) + b"\0")
        assert place >= len(WHOLE) - 48 or empty <= place < empty + len(plain_content([])) + 5


@given(st.binary(max_size=60))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_content_of_a_block_is_read_or_refused(tmp_path: Path, content: bytes) -> None:
    path = write(tmp_path, plain_table([content]))
    with suppress(BadCheckpoint):
        read_table(path)
