"""The fast checksum is the plain one."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bertkit.checkpoints import crc32c as module
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


def test_few_bytes_are_looked_up_one_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    looked_up, folded = [], []

    class Table(list[int]):
        def __getitem__(self, place: Any) -> Any:
            looked_up.append(place)
            return super().__getitem__(place)

    def fold(message: np.ndarray, unit: int) -> np.ndarray:
        folded.append(len(message))
        return plain_fold(message, unit)

    plain_fold = module._fold
    monkeypatch.setattr(module, "_TABLE", Table(module._TABLE))
    monkeypatch.setattr(module, "_fold", fold)
    data = np.ones(1 << 24, np.uint8)
    crc32c(data)
    assert len(looked_up) <= module.MULTIPLE[0]  # the others are added as whole slices
    assert len(folded) == len(data) // module._CHUNK_BYTES + 1
    assert sum(folded) < 1.1 * len(data)
