"""Varints and the wire format of protocol buffers, as much as TensorFlow's checkpoints need.

A varint is a number in groups of 7 bits, lowest first; a set high bit says that another follows. A message is a list
of fields, each a varint `number << 3 | kind` and its value. Source: https://protobuf.dev/programming-guides/encoding.
"""

from __future__ import annotations

from collections.abc import Iterator

_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_LONGEST_VARINT = 10  # bytes that 64 bits take

Field = int | bytes


class Malformed(ValueError):
    """Bytes that are not what they must be. Whoever knows the file catches it and names it."""


def read_varint(data: bytes, at: int) -> tuple[int, int]:
    """The number that begins at byte `at`, and the byte after it.

    Raises:
        Malformed: the data ends in it, or it has more than 64 bits.
    """
    value = 0
    for place, byte in enumerate(data[at : at + _LONGEST_VARINT]):
        value |= (byte & 0x7F) << 7 * place
        if byte < 0x80:
            return value, at + place + 1
    raise Malformed(f"no number at byte {at}")


def varint(value: int) -> bytes:
    """A number from 0 on, as `read_varint` reads it."""
    groups = bytearray()
    while value >= 0x80:
        groups.append(value & 0x7F | 0x80)
        value >>= 7
    groups.append(value)
    return bytes(groups)


def fields(message: bytes) -> Iterator[tuple[int, Field]]:
    """The fields of a message: number, and its value as a number (signs are left to the caller) or bytes.

    Raises:
        Malformed: it is not a message.
    """
    at = 0
    while at < len(message):
        key, at = read_varint(message, at)
        number, kind = key >> 3, key & 7
        if kind == _VARINT:
            value, at = read_varint(message, at)
            yield number, value
            continue
        if kind == _BYTES:
            size, at = read_varint(message, at)
        elif kind in (_FIXED32, _FIXED64):
            size = 4 if kind == _FIXED32 else 8
        else:
            raise Malformed(f"field {number} has the unknown wire type {kind}")
        part, at = message[at : at + size], at + size
        if at > len(message):
            raise Malformed(f"field {number} ends after its message")
        yield number, part if kind == _BYTES else int.from_bytes(part, "little")


def varint_field(number: int, value: int) -> bytes:
    """A field with a number; nothing for 0, which is what a missing field means."""
    return varint(number << 3 | _VARINT) + varint(value) if value else b""


def fixed32_field(number: int, value: int) -> bytes:
    """A field with a number of always 4 bytes; nothing for 0."""
    return varint(number << 3 | _FIXED32) + value.to_bytes(4, "little") if value else b""


def bytes_field(number: int, value: bytes) -> bytes:
    """A field with bytes or a message inside; there even when it is empty."""
    return varint(number << 3 | _BYTES) + varint(len(value)) + value
