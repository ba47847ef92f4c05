"""TensorFlow's checkpoints once more, written apart from bertkit: slow, plain, no checks but those of a checksum.

It reads what bertkit writes, and makes tables for the tests that bertkit's own writer would not make.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch

Entry = tuple[bytes, bytes]
NUMPY = {1: "<f4", 2: "<f8", 3: "<i4", 4: "u1", 5: "<i2", 6: "i1", 9: "<i8", 10: "?", 19: "<f2"}


def plain_crc(data: bytes) -> int:
    """CRC-32C bit by bit, as the polynomial is written in RFC 3720."""
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ 0x82F63B78 * (crc & 1)
    return crc ^ 0xFFFFFFFF


def mask(crc: int) -> int:
    return ((crc >> 15 | crc << 17 & 0xFFFFFFFF) + 0xA282EAD8) % 2**32


class Bytes:
    """Reads one thing after the other."""

    def __init__(self, data: bytes) -> None:
        self.data = data

    def take(self, count: int) -> bytes:
        taken, self.data = self.data[:count], self.data[count:]
        assert len(taken) == count
        return taken

    def number(self) -> int:
        first = self.take(1)[0]
        return first if first < 128 else first - 128 + 128 * self.number()

    def message(self) -> list[tuple[int, int | bytes]]:
        found: list[tuple[int, int | bytes]] = []
        while self.data:
            number, kind = divmod(self.number(), 8)
            if kind == 0:
                found.append((number, self.number()))
            elif kind == 2:
                found.append((number, self.take(self.number())))
            else:
                assert kind == 5
                found.append((number, struct.unpack("<I", self.take(4))[0]))
        return found


def read_block(file: bytes, offset: int, size: int) -> list[Entry]:
    content, kind, crc = file[offset : offset + size], file[offset + size], file[offset + size + 1 : offset + size + 5]
    assert kind == 0
    assert struct.unpack("<I", crc)[0] == mask(plain_crc(content + b"\0"))
    (restarts,) = struct.unpack("<I", content[-4:])
    places = struct.unpack(f"<{restarts}I", content[-4 - 4 * restarts : -4])
    left = Bytes(content[: -4 - 4 * restarts])
    total, key, entries, starts = len(left.data), b"", [], []
    while left.data:
        place = total - len(left.data)
        shared, rest, length = left.number(), left.number(), left.number()
        key = key[:shared] + left.take(rest)
        if shared == 0:
            starts.append(place)
        entries.append((key, left.take(length)))
    assert set(places) <= {*starts, 0}
    return entries


def read_plain_table(path: Path) -> list[Entry]:
    file = path.read_bytes()
    assert file[-8:] == bytes.fromhex("57fb808b247547db")
    footer = Bytes(file[-48:-8])
    about = read_block(file, footer.number(), footer.number())
    assert about == []
    found: list[Entry] = []
    for last, where in read_block(file, footer.number(), footer.number()):
        handle = Bytes(where)
        found += read_block(file, handle.number(), handle.number())
        assert found[-1][0] <= last
    return found


def read_plain_bundle(index: Path) -> dict[str, torch.Tensor]:
    """Every tensor of a checkpoint of one data file, the state of optimisers included."""
    (empty, header), *entries = read_plain_table(index)
    assert (empty, Bytes(header).message()) == (b"", [(1, 1), (3, b"\x08\x01")])
    assert [key for key, _ in entries] == sorted({key for key, _ in entries})
    data = index.with_suffix(".data-00000-of-00001").read_bytes()
    tensors, covered = {}, 0
    for key, value in entries:
        fields = dict(Bytes(value).message())
        shape = [dict(Bytes(part).message()).get(1, 0) for _, part in Bytes(fields[2]).message()]  # type: ignore[arg-type]
        offset, size = int(fields.get(4, 0)), int(fields.get(5, 0))
        content = data[offset : offset + size]
        assert fields[6] == mask(plain_crc(content))
        assert offset == covered
        covered += size
        code = int(fields[1])
        flat = np.frombuffer(content, NUMPY.get(code, "<i2"))  # bfloat16, which numpy lacks, by its bits
        tensor = torch.from_numpy(flat.copy()).reshape(shape)  # type: ignore[arg-type]
        tensors[key.decode()] = tensor.view(torch.bfloat16) if code == 14 else tensor
    assert covered == len(data)
    return tensors


def varint(number: int) -> bytes:
    return bytes([number]) if number < 128 else bytes([128 + number % 128]) + varint(number // 128)


def raw_block(content: bytes, kind: int = 0) -> bytes:
    """A block with its trailer, whatever its content."""
    return content + bytes([kind]) + struct.pack("<I", mask(plain_crc(content + bytes([kind]))))


def plain_content(entries: Sequence[Entry]) -> bytes:
    """The content of a block that shares nothing between keys and has one restart."""
    written = b"".join(b"\0" + varint(len(key)) + varint(len(value)) + key + value for key, value in entries)
    return written + struct.pack("<II", 0, 1)


def plain_table(blocks: Sequence[Sequence[Entry] | bytes], kind: int = 0) -> bytes:
    """The file of a table with these data blocks, each given by its entries or by its very content."""
    file, index = b"", []
    for number, block in enumerate(blocks):
        content = block if isinstance(block, bytes) else plain_content(block)
        index.append((b"%08d" % number, varint(len(file)) + varint(len(content))))
        file += raw_block(content, kind)
    handles = b""
    for content in (plain_content([]), plain_content(index)):
        handles += varint(len(file)) + varint(len(content))
        file += raw_block(content)
    return file + handles.ljust(40, b"\0") + bytes.fromhex("57fb808b247547db")
