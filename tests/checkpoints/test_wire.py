"""Numbers and fields come back as they were written, and what is cut off is refused."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bertkit.checkpoints.wire import (
    Malformed,
    bytes_field,
    fields,
    fixed32_field,
    read_varint,
    varint,
    varint_field,
)

numbers = st.integers(0, 2**64 - 1)


@given(numbers, st.binary(max_size=3))
def test_numbers_round_trip(number: int, before: bytes) -> None:
    written = varint(number)
    assert read_varint(before + written + b"\x80", len(before)) == (number, len(before) + len(written))


def test_numbers_as_the_guide_writes_them() -> None:
    assert (varint(0), varint(1), varint(150), varint(16384)) == (b"\0", b"\1", b"\x96\1", b"\x80\x80\1")


@pytest.mark.parametrize("data", [b"", b"\x80", b"\xff" * 9, b"\xff" * 11])
def test_no_number(data: bytes) -> None:
    with pytest.raises(Malformed, match="no number at byte 0"):
        read_varint(data, 0)


@given(st.integers(1, 500), numbers, st.integers(0, 2**32 - 1), st.binary(max_size=300))
def test_fields_round_trip(number: int, value: int, fixed: int, content: bytes) -> None:
    message = varint_field(number, value) + fixed32_field(number, fixed) + bytes_field(number, content)
    expected = [(number, value)] * bool(value) + [(number, fixed)] * bool(fixed) + [(number, content)]
    assert list(fields(message)) == expected


def test_a_field_of_8_bytes_is_read() -> None:
    assert list(fields(b"\x09" + bytes([5, 0, 0, 0, 0, 0, 0, 1]))) == [(1, 5 + (1 << 56))]


@pytest.mark.parametrize(
    ("message", "says"),
    [
        (b"\x0a\x05ab", "field 1 ends after its message"),
        (b"\x0d\x00", "field 1 ends after its message"),
        (b"\x0b", "field 1 has the unknown wire type 3"),
        (b"\x08", "no number at byte 1"),
    ],
)
def test_not_a_message(message: bytes, says: str) -> None:
    with pytest.raises(Malformed, match=says):
        list(fields(message))
