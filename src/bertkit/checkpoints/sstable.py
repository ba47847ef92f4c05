"""The sorted table of LevelDB, in which TensorFlow keeps the index of a checkpoint: keys and values, both bytes.

A file is data blocks, a block about them (empty here), a block that says where the data blocks are, and 48 bytes of
footer that say where the last two are. In a block a key is written as what it shares with the key before it and the
rest; at every 16th key, a restart, nothing is shared. After a block come a byte that says how it is compressed and a
checksum. Source: https://github.com/google/leveldb/blob/main/doc/table_format.md.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np

from bertkit.checkpoints.crc32c import masked_crc32c
from bertkit.checkpoints.wire import Malformed, read_varint, varint
from bertkit.errors import BadCheckpoint, refuse_pointer

MAGIC = 0xDB4775248B80FB57.to_bytes(8, "little")
FOOTER_BYTES = 48
TRAILER_BYTES = 5  # of a block: compression and checksum
RESTART_EVERY = 16  # keys
_COMPRESSIONS = {0: "none", 1: "snappy", 2: "zlib"}

Entry = tuple[bytes, bytes]


def read_table(path: Path) -> dict[bytes, bytes]:
    """All keys and values of a table, in its order, every checksum checked.

    Raises:
        BadCheckpoint: the file cannot be read, is not a table, is truncated, damaged or compressed.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise BadCheckpoint(f"{path}: cannot be read: {error.strerror}") from error
    refuse_pointer(path, data[:8])
    if not is_table(data[-FOOTER_BYTES:]):
        raise BadCheckpoint(f"{path}: not a TensorFlow checkpoint's index, or truncated: it does not end as a table")
    try:
        return _read(data)
    except Malformed as error:
        raise BadCheckpoint(f"{path}: {error}") from None


def is_table(end: bytes) -> bool:
    """Whether a file is a table, from its last 48 bytes."""
    return len(end) == FOOTER_BYTES and end.endswith(MAGIC)


def table(entries: Mapping[bytes, bytes]) -> bytes:
    """The file of a table, its one data block not compressed: up to 256 kB, byte for byte what TensorFlow writes."""
    in_order = sorted(entries.items())
    file = bytearray()
    data = _append(file, in_order)
    about = _append(file, [])
    index = _append(file, [(_successor(in_order[-1][0]), data)])
    return bytes(file) + (about + index).ljust(FOOTER_BYTES - len(MAGIC), b"\0") + MAGIC


def _read(data: bytes) -> dict[bytes, bytes]:
    footer = data[-FOOTER_BYTES:]
    _, _, at = _handle(footer, 0)
    offset, size, _ = _handle(footer, at)
    found: dict[bytes, bytes] = {}
    before = None
    for _, where in _entries(_block(data, offset, size)):
        offset, size, _ = _handle(where, 0)
        for key, value in _entries(_block(data, offset, size)):
            if before is not None and key <= before:  # now, and not at the end: a block could be named again and again
                raise Malformed("its keys are out of order")
            found[key] = value
            before = key
    return found


def _handle(data: bytes, at: int) -> tuple[int, int, int]:
    """Where a block is: its offset and its size in the file; and the byte after the handle."""
    offset, at = read_varint(data, at)
    size, at = read_varint(data, at)
    return offset, size, at


def _block(data: bytes, offset: int, size: int) -> bytes:
    end = offset + size
    if end + TRAILER_BYTES > len(data) - FOOTER_BYTES:
        raise Malformed(f"a block ends at byte {end}, after the end of the file")
    stored = int.from_bytes(data[end + 1 : end + TRAILER_BYTES], "little")
    if _checksum(data[offset : end + 1]) != stored:
        raise Malformed(f"the checksum of the block at byte {offset} does not match")
    if data[end] != 0:
        kind = _COMPRESSIONS.get(data[end], str(data[end]))
        raise Malformed(f"the block at byte {offset} is compressed ({kind}), which is not supported")
    return data[offset:end]


def _entries(block: bytes) -> Iterator[Entry]:
    end = len(block) - 4 - 4 * int.from_bytes(block[-4:], "little")  # before the list of restarts and its length
    if len(block) < 4 or end < 0:
        raise Malformed("a block is shorter than its own list of restarts")
    at, key, written = 0, b"", 0
    while at < end:
        shared, at = read_varint(block, at)
        rest, at = read_varint(block, at)
        size, at = read_varint(block, at)
        if shared > len(key) or at + rest + size > end:
            raise Malformed("a key or value is longer than its block")
        key = key[:shared] + block[at : at + rest]
        written += len(key)
        if written > RESTART_EVERY * len(block):  # a key repeats at most what was written since the last restart
            raise Malformed("its keys repeat one another more than a table's do")
        at += rest + size
        yield key, block[at - size : at]


def _append(file: bytearray, entries: Sequence[Entry]) -> bytes:
    """Writes a block at the end of the file; returns its handle."""
    block, restarts, before = bytearray(), [], b""
    for number, (key, value) in enumerate(entries):
        if number % RESTART_EVERY == 0:
            restarts.append(len(block))
            before = b""
        shared = _shared(before, key)
        block += varint(shared) + varint(len(key) - shared) + varint(len(value)) + key[shared:] + value
        before = key
    for number in [*(restarts or [0]), len(restarts or [0])]:
        block += number.to_bytes(4, "little")
    handle = varint(len(file)) + varint(len(block))
    not_compressed = b"\0"
    file += block + not_compressed + _checksum(bytes(block) + not_compressed).to_bytes(4, "little")
    return handle


def _shared(one: bytes, other: bytes) -> int:
    """How many bytes two keys begin with in common."""
    return next((n for n, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))


def _successor(key: bytes) -> bytes:
    """The shortest key that is not before this one, which is what the index needs of the last."""
    return next((key[:place] + bytes([byte + 1]) for place, byte in enumerate(key) if byte < 0xFF), key)


def _checksum(data: bytes) -> int:
    return masked_crc32c(np.frombuffer(data, np.uint8))
