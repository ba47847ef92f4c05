"""CRC-32C (Castagnoli), the checksum of TensorFlow's checkpoints, at gigabytes a second with numpy alone.

A CRC is what remains of the message, read as a polynomial over GF(2), after division by a fixed polynomial. Adding a
multiple of that polynomial changes nothing, and `x**6777 + x**484 + x**100 + 1` is one that has four terms only. Over
GF(2) its 8th power is the same with `x**8` for `x`, so it holds for bytes as well as for bits, and for 8-byte words.
Hence the front of a message can be cancelled by XORing it, as a whole slice, into three later places. The few thousand
bytes that are left take a table. (Russell, Chorba: A novel CRC32 implementation, 2024, https://arxiv.org/abs/2412.16398;
the four terms were found by search.)
"""

from __future__ import annotations

from typing import Any

import numpy as np

Bytes = np.ndarray[Any, np.dtype[np.uint8]]

POLYNOMIAL = 0x82F63B78  # bits reversed: the lowest bit belongs to the highest power
MULTIPLE = (6777, 484, 100, 0)  # exponents of a multiple of the polynomial
_WINDOW = MULTIPLE[0]
_TAPS = tuple(_WINDOW - exponent for exponent in MULTIPLE[1:])  # how far behind a byte it is added
_CHUNK_BYTES = 1 << 20  # the part of a message that is copied at a time: small enough for a processor's cache
# Starting from 0, these bytes leave all bits set, which is where the CRC of every message starts.
_START = np.frombuffer(b"\x54\x64\x1f\x64", np.uint8)


def _table() -> list[int]:
    entries = []
    for entry in range(256):
        for _ in range(8):
            entry = (entry >> 1) ^ (POLYNOMIAL if entry & 1 else 0)
        entries.append(entry)
    return entries


_TABLE = _table()


def crc32c(message: Bytes) -> int:
    """The CRC-32C of bytes, a number below 2**32. Large messages are read once and copied 1 MB at a time.

    Args:
        message: (bytes,) uint8.
    """
    rest = _START
    for begin in range(0, len(message), _CHUNK_BYTES):
        rest = _fold(np.concatenate([rest, message[begin : begin + _CHUNK_BYTES]]), unit=8)
    crc = 0
    for byte in _fold(rest, unit=1).tolist():
        crc = _TABLE[(crc ^ byte) & 0xFF] ^ (crc >> 8)
    return crc ^ 0xFFFFFFFF


def masked_crc32c(message: Bytes) -> int:
    """The CRC-32C as TensorFlow and LevelDB store it: rotated and shifted, so that a CRC of CRCs stays a good one."""
    crc = crc32c(message)
    return (((crc >> 15) | (crc << 17)) + 0xA282EAD8) & 0xFFFFFFFF


def _fold(message: Bytes, unit: int) -> Bytes:
    """The end of a message after its front was added into it: at most a window of units, with the same remainder.

    Args:
        message: (bytes,) uint8; changed where it is longer than that.
        unit: bytes that stand for one `x` of the multiple, a power of two.
    """
    end = len(message) - _WINDOW * unit
    step = _TAPS[0] * unit
    for begin in range(0, end, step):
        front = message[begin : min(begin + step, end)]
        for tap in _TAPS:
            place = message[begin + tap * unit :][: len(front)]
            np.bitwise_xor(place, front, out=place)
    return message[max(end, 0) :]
