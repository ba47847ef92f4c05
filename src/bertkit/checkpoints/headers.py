"""The header of a safetensors file, read and checked without touching the data.

Format: 8 bytes little-endian length, that many bytes of JSON, then the data. The JSON maps each tensor's name to
`{"dtype", "shape", "data_offsets": [begin, end]}`; the tensors cover the data without gaps and without overlaps.
Source: the format section of the safetensors README. The safetensors library checks most of this too; this file
exists to say in words which tensor of which file is wrong, and to describe a checkpoint without reading it.
"""

from __future__ import annotations

import json
import math
import os
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np
import numpy.typing as npt

from bertkit.errors import BadCheckpoint, refuse_pointer

# The library's own bound, far above any real header (BERT-large needs about 50 kB): a length beyond it is no header.
LARGEST_HEADER_BYTES = 100_000_000

# safetensors' code -> torch's name and the bytes of one element. What no BERT checkpoint stores is left out on purpose.
DTYPES = {
    "F64": ("float64", 8),
    "F32": ("float32", 4),
    "F16": ("float16", 2),
    "BF16": ("bfloat16", 2),
    "I64": ("int64", 8),
    "I32": ("int32", 4),
    "I16": ("int16", 2),
    "I8": ("int8", 1),
    "U8": ("uint8", 1),
    "BOOL": ("bool", 1),
}


@dataclass(frozen=True, slots=True)
class TensorHeader:
    """What is known of a tensor before its data is read; `dtype` is torch's name (`float32`)."""

    shape: tuple[int, ...]
    dtype: str

    @property
    def elements(self) -> int:
        return math.prod(self.shape)

    @property
    def is_floating(self) -> bool:
        """Whether its elements are floating point numbers."""
        return self.dtype.startswith(("float", "bfloat"))


def read_header(path: Path) -> dict[str, TensorHeader]:
    """The tensors that a safetensors file says it holds, in the order of its header.

    Raises:
        BadCheckpoint: the file cannot be opened, is half-written, is not safetensors, or its header contradicts
            itself or the size of the file.
    """
    return {name: header for name, (header, _) in _read_spans(path).items()}


def read_numbers(path: Path, name: str) -> npt.NDArray[np.float32]:
    """One tensor of a safetensors file as float32, mapped from the file where that is how it is stored.

    Raises:
        BadCheckpoint: as `read_header`.
    """
    header, (begin, _) = _read_spans(path)[name]
    if not header.elements:
        return np.zeros(header.shape, np.float32)
    # numpy has no bfloat16, which is the upper half of a float32.
    stored = np.dtype("uint16" if header.dtype == "bfloat16" else header.dtype).newbyteorder("<")
    values = np.asarray(np.memmap(path, stored, "r", begin, header.shape))
    if header.dtype == "bfloat16":
        return (values.astype(np.uint32) << 16).view(np.float32)
    return values.astype(np.float32, copy=False)


def _read_spans(path: Path) -> dict[str, tuple[TensorHeader, tuple[int, int]]]:
    """What is known of each tensor, and where in the file it begins and ends."""
    try:
        with path.open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            text = _read_json_bytes(path, file, size)
    except OSError as error:
        raise BadCheckpoint(f"{path}: cannot be read: {error.strerror}") from error
    entries = _parse(path, text)
    entries.pop("__metadata__", None)
    spans = {name: _check_entry(path, name, entry) for name, entry in entries.items()}
    start = 8 + len(text)
    _check_coverage(path, {name: span for name, (_, span) in spans.items()}, size - start)
    return {name: (header, (start + begin, start + end)) for name, (header, (begin, end)) in spans.items()}


def _read_json_bytes(path: Path, file: BinaryIO, size: int) -> bytes:
    start = file.read(8)
    refuse_pointer(path, start)
    if len(start) < 8:
        raise BadCheckpoint(f"{path}: {'empty' if size == 0 else f'only {size} bytes long'}, no safetensors header")
    length = int.from_bytes(start, "little")
    if length > LARGEST_HEADER_BYTES:
        raise BadCheckpoint(f"{path}: not a safetensors file (its first 8 bytes claim a header of {length} bytes)")
    text = file.read(length)
    if len(text) < length:
        raise BadCheckpoint(f"{path}: half-written: the header is {length} bytes long, the whole file {size}")
    return text


def _parse(path: Path, text: bytes) -> dict[str, object]:
    def without_duplicates(pairs: list[tuple[str, object]]) -> dict[str, object]:
        entries = dict(pairs)
        if len(entries) < len(pairs):
            names = [name for name, _ in pairs]
            twice = next(name for name in names if names.count(name) > 1)
            raise BadCheckpoint(f"{path}: the header has {twice!r} twice")
        return entries

    try:
        entries = json.loads(text, object_pairs_hook=without_duplicates)
    except (ValueError, RecursionError) as error:
        raise BadCheckpoint(f"{path}: the header is not JSON") from error
    if not isinstance(entries, dict):
        raise BadCheckpoint(f"{path}: the header is not a JSON object")
    return entries


def _check_entry(path: Path, name: str, entry: object) -> tuple[TensorHeader, tuple[int, int]]:
    if not isinstance(entry, dict) or not {"dtype", "shape", "data_offsets"} <= entry.keys():
        raise BadCheckpoint(f"{path}: tensor {name!r} has no dtype, shape and data_offsets in the header")
    dtype, shape, offsets = entry["dtype"], entry["shape"], entry["data_offsets"]
    if not isinstance(dtype, str) or dtype not in DTYPES:
        raise BadCheckpoint(
            f"{path}: tensor {name!r} has the unsupported dtype {dtype}",
            f"Convert the checkpoint to one of {', '.join(DTYPES)}.",
        )
    if not _are_counts(shape) or not _are_counts(offsets) or len(offsets) != 2:
        raise BadCheckpoint(f"{path}: tensor {name!r} has shape {shape} and data_offsets {offsets} in the header")
    torch_name, width = DTYPES[dtype]
    header, (begin, end) = TensorHeader(tuple(shape), torch_name), offsets
    if end - begin != header.elements * width:
        raise BadCheckpoint(
            f"{path}: tensor {name!r} of shape {shape} and dtype {dtype} needs {header.elements * width} bytes, "
            f"the header gives it {end - begin}"
        )
    return header, (begin, end)


def _are_counts(value: object) -> bool:
    return isinstance(value, list) and all(type(item) is int and item >= 0 for item in value)


def _check_coverage(path: Path, spans: dict[str, tuple[int, int]], data_bytes: int) -> None:
    covered = 0
    for name, (begin, end) in sorted(spans.items(), key=lambda item: item[1]):
        if end > data_bytes:
            raise BadCheckpoint(
                f"{path}: half-written, or the header is wrong: tensor {name!r} ends at byte {end} of the data, "
                f"the file has {data_bytes}"
            )
        if begin != covered:
            fault = "overlaps the tensor before it" if begin < covered else "leaves a gap before it"
            raise BadCheckpoint(f"{path}: tensor {name!r} {fault} (it begins at byte {begin}, not {covered})")
        covered = end
    if covered != data_bytes:
        raise BadCheckpoint(f"{path}: {data_bytes - covered} bytes at the end belong to no tensor")
