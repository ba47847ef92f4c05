"""The index of a TensorFlow checkpoint: which tensor lies where, in which type and shape, with which checksum.

It is a table whose empty key has the header of the checkpoint, and whose other keys are the names of tensors. The
values are the messages of https://github.com/tensorflow/tensorflow/blob/master/tensorflow/core/protobuf/tensor_bundle.proto.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from bertkit.checkpoints.headers import DTYPES, TensorHeader
from bertkit.checkpoints.sstable import read_table, table
from bertkit.checkpoints.wire import Field, Malformed, bytes_field, fields, fixed32_field, varint_field
from bertkit.errors import BadCheckpoint, refuse_pointer

# TensorFlow's number of a type (its types.proto) -> torch's name.
TORCH_DTYPES = {
    1: "float32",
    2: "float64",
    3: "int32",
    4: "uint8",
    5: "int16",
    6: "int8",
    9: "int64",
    10: "bool",
    14: "bfloat16",
    19: "float16",
}
_WIDTHS = dict(DTYPES.values())
_OBJECT_GRAPH = "_CHECKPOINTABLE_OBJECT_GRAPH"
_VERSION = 1
_LARGEST_DIMENSION = 1 << 40  # a negative size, which means unknown, reads as a number far above
_MOST_SHARDS = 99_999  # their number has five digits in a file's name
# What optimisers keep beside the weights: Google's Adam and LAMB, TensorFlow's own, NVIDIA's loss scaling.
_TRAINING_STATE = re.compile(
    r"(?:.*/)?(?:(?:adam|lamb)_[mv]|(?:Adam|AdamWeightDecayOptimizer|LAMB|LAMBOptimizer|Momentum)(?:_\d+)?"
    r"|global_step|beta[12]_power|ExponentialMovingAverage|current_loss_scale|good_steps)"
)


@dataclass(frozen=True, slots=True)
class BundleEntry:
    """One tensor: what it is, in which data file from which byte on, and the masked CRC-32C of its bytes."""

    header: TensorHeader
    shard: int
    offset: int
    size: int
    checksum: int


@dataclass(frozen=True, slots=True)
class BundleIndex:
    """The tensors of a checkpoint by name, and the number of its data files."""

    shards: int
    entries: Mapping[str, BundleEntry]


def read_index(path: Path) -> BundleIndex:
    """The index of a checkpoint; no tensor is read.

    Raises:
        BadCheckpoint: the file is no index, is damaged, or holds something that is not a plain tensor.
    """
    values = read_table(path)
    place = "the header"
    try:
        if b"" not in values:
            raise Malformed("it is missing")
        shards = _read_header(values.pop(b""))
        entries = {}
        for key, value in values.items():
            if key.startswith(b"\0"):  # a slice of a tensor whose own entry says that it has slices
                continue
            place = f"tensor {key.decode(errors='replace')!r}"
            if place == f"tensor {_OBJECT_GRAPH!r}":
                raise BadCheckpoint(
                    f"{path}: a checkpoint of TensorFlow 2 objects, whose tensors are named after Python attributes",
                    "Use the checkpoint as its authors first published it, or the model's hub folder.",
                )
            entries[key.decode()] = _read_entry(value, shards)
    except (Malformed, UnicodeDecodeError) as error:
        raise BadCheckpoint(f"{path}: {place}: {error}") from None
    return BundleIndex(shards, entries)


def without_training_state(index: BundleIndex) -> dict[str, BundleEntry]:
    """The weights alone; the state of optimisers (`…/adam_m`, `global_step`) is left."""
    return {name: entry for name, entry in index.entries.items() if not _TRAINING_STATE.fullmatch(name)}


def data_file(path: Path, number: int, count: int) -> Path:
    """One of the files with a checkpoint's bytes.

    Args:
        path: of the index.
        count: how many of them there are.
    """
    return path.with_suffix(f".data-{number:05}-of-{count:05}")


def check_data_files(path: Path, index: BundleIndex) -> None:
    """Sees that the files with the bytes are there and whole; no byte is read.

    Raises:
        BadCheckpoint: one is missing or truncated.
    """
    for number in range(index.shards):
        file = data_file(path, number, index.shards)
        ends = {name: e.offset + e.size for name, e in index.entries.items() if e.shard == number}
        if not file.is_file():
            raise BadCheckpoint(f"{file}: missing, {path.name} needs it")
        name = max(ends, key=lambda one: ends[one], default=None)
        if name is not None and ends[name] > (size := file.stat().st_size):
            with file.open("rb") as opened:
                refuse_pointer(file, opened.read(8))
            raise BadCheckpoint(f"{file}: truncated: tensor {name!r} ends at byte {ends[name]}, the file has {size}")


def index_file(index: BundleIndex) -> bytes:
    """The bytes of the index's file."""
    version = bytes_field(3, varint_field(1, _VERSION))
    header = varint_field(1, index.shards) + version
    return table({b"": header} | {name.encode(): _entry(entry) for name, entry in index.entries.items()})


def _read_header(message: bytes) -> int:
    """The number of data files."""
    values: dict[int, Field] = dict(fields(message))
    shards, big_endian, version = values.get(1, 0), values.get(2, 0), values.get(3, b"")
    if not isinstance(shards, int) or not isinstance(version, bytes):
        raise Malformed("a field has another type")
    if shards > _MOST_SHARDS:
        raise Malformed(f"it says that there are {shards} data files")
    if big_endian:
        raise Malformed("it was written on a big-endian machine, which is not supported")
    needs = dict(fields(version)).get(2, 0)
    if needs not in range(_VERSION + 1):
        raise Malformed(f"it needs a reader of version {needs!r}, this one is {_VERSION}")
    return shards


def _read_entry(message: bytes, shards: int) -> BundleEntry:
    values: dict[int, Field] = dict(fields(message))
    if 7 in values:
        raise Malformed("it is stored in slices (a partitioned variable), which is not supported")
    numbers = [values.get(number, 0) for number in (1, 3, 4, 5, 6)]
    shape = values.get(2, b"")
    if not all(isinstance(number, int) for number in numbers) or not isinstance(shape, bytes):
        raise Malformed("a field has another type")
    code, shard, offset, size, checksum = (int(number) for number in numbers)
    if code not in TORCH_DTYPES:
        raise Malformed(f"TensorFlow's type number {code} is not supported ({', '.join(_WIDTHS)} are)")
    header = TensorHeader(_read_shape(shape), TORCH_DTYPES[code])
    if header.elements * _WIDTHS[header.dtype] != size:
        raise Malformed(f"{size} bytes are not a {header.dtype} tensor of shape {header.shape}")
    if shard >= shards:
        raise Malformed(f"it is in data file {shard}, there are {shards} from 0 on")
    return BundleEntry(header, shard, offset, size, checksum)


def _read_shape(message: bytes) -> tuple[int, ...]:
    sizes = []
    for number, dimension in fields(message):
        if number != 2 or not isinstance(dimension, bytes):
            raise Malformed("its shape is not known")
        size = dict(fields(dimension)).get(1, 0)
        if not isinstance(size, int) or size > _LARGEST_DIMENSION:
            raise Malformed("its shape is not known")
        sizes.append(size)
    return tuple(sizes)


def _entry(entry: BundleEntry) -> bytes:
    code = next(code for code, name in TORCH_DTYPES.items() if name == entry.header.dtype)
    shape = b"".join(bytes_field(2, varint_field(1, size)) for size in entry.header.shape)
    return b"".join(
        [
            varint_field(1, code),
            bytes_field(2, shape),
            varint_field(3, entry.shard),
            varint_field(4, entry.offset),
            varint_field(5, entry.size),
            fixed32_field(6, entry.checksum),
        ]
    )
