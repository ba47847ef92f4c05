"""A reader of the protocol buffer wire format: as much of it as foreign tokenizer files need.

Format: https://protobuf.dev/programming-guides/encoding/. A message is a run of fields, each a number, a wire type and
a value; what a number means is for the caller to know.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

VARINT, EIGHT_BYTES, LENGTH, FOUR_BYTES = 0, 1, 2, 5


def fields(message: memoryview) -> Iterator[tuple[int, int | float | memoryview]]:
    """Number and value of each field, in the order of the bytes.

    A whole number or a flag comes as an int, a `float` as a float, and text, bytes or a message as a view of its bytes.
    Eight-byte values are passed over.

    Raises:
        ValueError: these bytes are not a message.
    """
    place, end = 0, len(message)
    while place < end:
        tag, place = _varint(message, place)
        number, wire = tag >> 3, tag & 7
        if number == 0:
            raise ValueError(f"field 0 at byte {place}")
        if wire == VARINT:
            value, place = _varint(message, place)
            yield number, value
        elif wire == LENGTH:
            size, place = _varint(message, place)
            if size > end - place:
                raise ValueError(f"field {number} ends after the data")
            yield number, message[place : place + size]
            place += size
        elif wire in (FOUR_BYTES, EIGHT_BYTES):
            size = 4 if wire == FOUR_BYTES else 8
            if size > end - place:
                raise ValueError(f"field {number} ends after the data")
            if wire == FOUR_BYTES:
                yield number, struct.unpack_from("<f", message, place)[0]
            place += size
        else:
            raise ValueError(f"field {number} has wire type {wire}")


def _varint(message: memoryview, place: int) -> tuple[int, int]:
    """The base-128 number at a place, and the place behind it."""
    value = shift = 0
    while place < len(message) and shift < 64:
        byte = message[place]
        place += 1
        if byte < 0x80:
            return value | byte << shift, place
        value |= (byte & 0x7F) << shift
        shift += 7
    raise ValueError(f"a number does not end at byte {place}")
