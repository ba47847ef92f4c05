"""The fast checksum is the plain one."""

from __future__ import annotations

import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bertkit.checkpoints.crc32c import _CHUNK_BYTES, _START, _WINDOW, MULTIPLE, POLYNOMIAL, crc32c, masked_crc32c
from tests.checkpoints.plain_bundle import mask, plain_crc


def array(data: bytes) -> np.ndarray[tuple[int], np.dtype[np.uint8]]:
    return np.frombuffer(data, np.uint8)


# From RFC 3720, appendix B.4, and the customary check value.
KNOWN = {
    b"": 0,
    b"123456789": 0xE3069283,
    bytes(32): 0x8A9136AA,
    b"\xff" * 32: 0x62A8AB43,
    bytes(range(32)): 0x46DD794E,
    bytes(range(31, -1, -1)): 0x113FDB5C,
}


@pytest.mark.parametrize(("data", "crc"), KNOWN.items())
def test_published_values(data: bytes, crc: int) -> None:
    assert crc32c(array(data)) == plain_crc(data) == crc


def test_the_multiple_is_one() -> None:
    powers, value = {}, 1
    for exponent in range(MULTIPLE[0] + 1):
        powers[exponent] = value
        value <<= 1
        if value >> 32:
            value ^= 1 << 32 | int(f"{POLYNOMIAL:032b}"[::-1], 2)
    assert np.bitwise_xor.reduce([powers[exponent] for exponent in MULTIPLE]) == 0


@given(st.binary(max_size=50))
def test_short_messages(data: bytes) -> None:
    assert crc32c(array(data)) == plain_crc(data)


START = len(_START)
EDGES = [_WINDOW - START, 8 * _WINDOW - START, _CHUNK_BYTES, _CHUNK_BYTES + 8 * _WINDOW]


@pytest.mark.parametrize("size", [edge + more for edge in EDGES for more in (-1, 0, 1, 7)])
def test_messages_around_every_edge(size: int) -> None:
    data = np.random.default_rng(size).integers(0, 256, size, dtype=np.uint8)
    table = [plain_crc(bytes([byte])) ^ plain_crc(b"\0") for byte in range(256)]  # a byte's own part of the remainder
    crc = 0xFFFFFFFF
    for byte in data.tolist():
        crc = table[(crc ^ byte) & 255] ^ crc >> 8
    assert crc32c(data) == crc ^ 0xFFFFFFFF


def test_the_message_is_not_changed() -> None:
    data = np.arange(100_000, dtype=np.uint32).view(np.uint8)
    before = data.copy()
    data.flags.writeable = False
    crc32c(data)
    assert np.array_equal(data, before)


def test_the_mask_is_that_of_leveldb() -> None:
    for data in KNOWN:
        assert masked_crc32c(array(data)) == mask(plain_crc(data))


def test_at_least_100_megabytes_a_second() -> None:
    data = np.ones(1 << 25, np.uint8)
    seconds = []
    for _ in range(3):
        began = time.perf_counter()
        crc32c(data)
        seconds.append(time.perf_counter() - began)
    assert len(data) / min(seconds) > 100e6
