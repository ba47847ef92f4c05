"""A folder's weights as tensors by name, and back. Names and bytes only: what a tensor means is not known here."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from bertkit.checkpoints.folders import replaced_file
from bertkit.checkpoints.headers import read_header
from bertkit.checkpoints.pickled import read_bin
from bertkit.checkpoints.weight_files import WeightFiles, check_shard, find_weights
from bertkit.errors import BadCheckpoint, OutputError

# transformers refuses a safetensors file that does not say which framework's layout it has.
TORCH_METADATA = MappingProxyType({"format": "pt"})


def read_tensors(folder: Path) -> dict[str, torch.Tensor]:
    """The weights of a folder by the names they have in its files, on the CPU.

    Reads `model.safetensors`, else its shards, else `pytorch_model.bin`, else its shards, else a TensorFlow checkpoint.
    The tensors are views of the mapped files: no memory is taken until they are copied, and writing to one never
    changes the file. (A `.bin` of torch before 1.6 cannot be mapped and is read into memory.)

    Raises:
        BadCheckpoint: no weights in the folder, a file damaged or half-written, index and shards that disagree.
        UnsafeCheckpoint: a `.bin` whose reading would run code. It did not run.
    """
    return read_files(find_weights(folder))


def read_files(weights: WeightFiles) -> dict[str, torch.Tensor]:
    """The weights in some files, as `read_tensors`.

    Raises:
        BadCheckpoint, UnsafeCheckpoint: as `read_tensors`.
    """
    if weights.bundle_index is not None:  # few need what reads TensorFlow's files
        from bertkit.checkpoints.tensor_bundle import read_bundle

        return read_bundle(weights.bundle_index)
    tensors: dict[str, torch.Tensor] = {}
    for file in weights.files:
        part = _read_file(file)
        check_shard(weights, file, part)
        tensors.update(part)
    return tensors


def write_tensors(
    path: Path, tensors: Mapping[str, torch.Tensor], metadata: Mapping[str, str] = TORCH_METADATA
) -> None:
    """Writes a safetensors file that appears whole or not at all; tensors that share memory are each written in full.

    Raises:
        OutputError: the file cannot be written. What was there before is still there.
    """
    with replaced_file(path) as temporary:
        try:
            save_file(_separate(tensors), temporary, dict(metadata))
        except SafetensorError as error:
            raise OutputError(f"{path}: cannot be written: {error}") from error


def _read_file(path: Path) -> dict[str, torch.Tensor]:
    if path.suffix != ".safetensors":
        return read_bin(path)
    read_header(path)  # before the library, because it names the tensor and the fault
    try:
        tensors: dict[str, torch.Tensor] = load_file(path)
    except SafetensorError as error:
        raise BadCheckpoint(f"{path}: {error}") from error
    return tensors


def _separate(tensors: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """The same tensors, contiguous and none overlapping another in memory, copied only where they were not."""
    contiguous = {name: tensor.detach().contiguous() for name, tensor in tensors.items()}
    separate: dict[str, torch.Tensor] = {}
    covered = 0
    for name, tensor in sorted(contiguous.items(), key=lambda item: item[1].data_ptr()):
        end = tensor.data_ptr() + tensor.nbytes
        separate[name] = tensor.clone() if tensor.data_ptr() < covered else tensor
        covered = max(covered, end)
    return separate
