from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bertkit.tokenization.protobuf import fields
from tests.tokenization.foreign import field


def read(message: bytes) -> list[tuple[int, int | float | bytes]]:
    return [(n, bytes(v) if isinstance(v, memoryview) else v) for n, v in fields(memoryview(message))]


def test_an_example_of_the_documentation() -> None:
    # https://protobuf.dev/programming-guides/encoding/: field 1 = 150, field 2 = "testing"
    message = bytes.fromhex("089601") + bytes.fromhex("120774657374696e67")
    assert read(message) == [(1, 150), (2, b"testing")]


@given(st.lists(st.tuples(st.integers(1, 5000), st.one_of(st.integers(0, 2**64 - 1), st.binary(max_size=300)))))
def test_what_was_written_is_read(message: list[tuple[int, int | bytes]]) -> None:
    assert read(b"".join(field(number, value) for number, value in message)) == message


def test_floats_and_eight_byte_values() -> None:
    assert read(field(2, -1.5) + b"\x19" + bytes(8) + field(4, 1)) == [(2, -1.5), (4, 1)]


@pytest.mark.parametrize(
    ("message", "says"),
    [
        (b"\x0a\x05abc", "field 1 ends after the data"),
        (b"\x15abc", "field 2 ends after the data"),
        (b"\x11abcdefg", "field 2 ends after the data"),
        (b"\x08", "a number does not end at byte 1"),
        (b"\x08" + b"\xff" * 20, "a number does not end"),
        (b"\x0b", "field 1 has wire type 3"),
        (b"\x00\x01", "field 0"),
    ],
)
def test_what_is_no_message(message: bytes, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        read(message)


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(message: bytes) -> None:
    with suppress(ValueError):
        read(message)
