"""TensorFlow's checkpoints ("tensor bundles", its V2 format), read and written without TensorFlow.

`bert_model.ckpt.index` says what is where; the bytes are in `bert_model.ckpt.data-00000-of-00001`, or in several such
files, the tensors one after another, row by row, little-endian.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor

from bertkit.checkpoints.bundle_index import (
    BundleEntry,
    BundleIndex,
    data_file,
    index_file,
    read_index,
    without_training_state,
)
from bertkit.checkpoints.crc32c import masked_crc32c
from bertkit.checkpoints.folders import replaced_file
from bertkit.checkpoints.headers import TensorHeader
from bertkit.errors import BadCheckpoint, refuse_pointer


def read_bundle(index: Path) -> dict[str, Tensor]:
    """The weights of a checkpoint by TensorFlow's names; the state of optimisers (`…/adam_m`, `global_step`) is left.

    The tensors are views of the mapped files, as those of `read_tensors`; every byte of theirs has been checked.

    Args:
        index: the file that ends in `.index`.

    Raises:
        BadCheckpoint: a file is missing, truncated or damaged; file and tensor are named.
    """
    found = read_index(index)
    paths = [data_file(index, number, found.shards) for number in range(found.shards)]
    files = [_map(path, index) for path in paths]
    return {
        name: _view(name, entry, paths[entry.shard], files[entry.shard])
        for name, entry in without_training_state(found).items()
    }


def write_bundle(index: Path, tensors: Mapping[str, Tensor]) -> None:
    """Writes a checkpoint of one data file; TensorFlow reads it. Both files appear, or neither.

    Args:
        index: the file to write, ending in `.index`; the data file goes beside it.
        tensors: by TensorFlow's names; copied one at a time where they are not contiguous.

    Raises:
        OutputError: a file cannot be written.
    """
    entries: dict[str, BundleEntry] = {}
    offset = 0
    with replaced_file(index) as made_index, replaced_file(data_file(index, 0, 1)) as made_data:
        with made_data.open("wb") as file:
            for name, tensor in sorted(tensors.items(), key=lambda item: item[0].encode()):
                content = tensor.detach().contiguous().reshape(-1).view(torch.uint8).numpy()
                header = TensorHeader(tuple(tensor.shape), str(tensor.dtype).removeprefix("torch."))
                entries[name] = BundleEntry(header, 0, offset, len(content), masked_crc32c(content))
                offset += file.write(content.data)
        made_index.write_bytes(index_file(BundleIndex(1, entries)))


def _map(path: Path, index: Path) -> Tensor:
    """The bytes of a data file, (bytes,) uint8, mapped so that writing to them never changes the file."""
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            refuse_pointer(path, file.read(8))
    except FileNotFoundError:
        raise BadCheckpoint(f"{path}: missing, {index.name} needs it") from None
    except OSError as error:
        raise BadCheckpoint(f"{path}: cannot be read: {error.strerror}") from error
    return torch.from_file(str(path), shared=False, size=size, dtype=torch.uint8)


def _view(name: str, entry: BundleEntry, path: Path, data: Tensor) -> Tensor:
    end = entry.offset + entry.size
    if end > len(data):
        raise BadCheckpoint(f"{path}: truncated: tensor {name!r} ends at byte {end}, the file has {len(data)}")
    part = data[entry.offset : end]
    if masked_crc32c(part.numpy()) != entry.checksum:
        raise BadCheckpoint(f"{path}: damaged: the checksum of tensor {name!r} does not match")
    dtype: torch.dtype = getattr(torch, entry.header.dtype)
    if entry.offset % dtype.itemsize:  # after a tensor of smaller elements
        part = part.clone()
    return part.view(dtype).reshape(entry.header.shape)
