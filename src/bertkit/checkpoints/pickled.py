"""torch's own `.bin` files, read without running anything that they contain.

A `.bin` is a pickle, and a pickle can name any function to call. `torch.load(weights_only=True)` knows only the few
constructors that plain tensors need and refuses everything else before it runs; here its refusals become our errors.
"""

from __future__ import annotations

import pickle
import re
import threading
import warnings
import zipfile
from pathlib import Path

import torch

from bertkit.checkpoints.headers import DTYPES
from bertkit.errors import BadCheckpoint, UnsafeCheckpoint, refuse_pointer

_PICKLE_START = b"\x80"
_ZIP_START = b"PK\x03\x04"
# Warnings are the whole process's: of two threads that silence them, one would put back what the other has set.
_ONE_AT_A_TIME = threading.Lock()
_DTYPES = {getattr(torch, name) for name, _ in DTYPES.values()}


def read_bin(path: Path) -> dict[str, torch.Tensor]:
    """The tensors of a `.bin` file by name, on the CPU, memory-mapped unless the file is of torch before 1.6.

    Tensors that share memory in the file share it here.

    Raises:
        UnsafeCheckpoint: reading it would call something other than a constructor of tensors. Nothing was called.
        BadCheckpoint: truncated, not a torch file, or holding something other than named dense tensors.
    """
    start = _read_start(path)
    try:
        with _ONE_AT_A_TIME, warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a remark about pickle protocols; what matters fails below
            content = torch.load(path, map_location="cpu", weights_only=True, mmap=_can_be_mapped(path, start))
    except pickle.UnpicklingError as error:
        raise _refusal(path, start, str(error)) from error
    except Exception as error:  # a damaged pickle can fail anywhere inside torch's reader, with any exception
        raise BadCheckpoint(f"{path}: truncated or not a torch checkpoint") from error
    if not isinstance(content, dict):
        raise BadCheckpoint(f"{path}: holds a {type(content).__name__}, not tensors by name")
    return {name: _check(path, name, value) for name, value in content.items()}


def _read_start(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            start = file.read(8)
    except OSError as error:
        raise BadCheckpoint(f"{path}: cannot be read: {error.strerror}") from error
    refuse_pointer(path, start)
    if not start:
        raise BadCheckpoint(f"{path}: empty")
    return start


def _can_be_mapped(path: Path, start: bytes) -> bool:
    """Whether the tensors lie in the file as they are: an archive (torch 1.6 on) that nobody compressed."""
    if not start.startswith(_ZIP_START):
        return False
    with zipfile.ZipFile(path) as archive:
        return all(entry.compress_type == zipfile.ZIP_STORED for entry in archive.infolist())


def _refusal(path: Path, start: bytes, message: str) -> BadCheckpoint:
    if match := re.search(r"GLOBAL (\S+)", message):
        return UnsafeCheckpoint(f"{path}: not read, because reading it would call {match[1]}")
    if start.startswith((_ZIP_START, _PICKLE_START)):
        return UnsafeCheckpoint(f"{path}: not read, because it is a pickle of more than plain tensors")
    return BadCheckpoint(f"{path}: not a torch checkpoint")


def _check(path: Path, name: object, value: object) -> torch.Tensor:
    if not isinstance(name, str) or not isinstance(value, torch.Tensor):
        found = f"{name!r} of type {type(value).__name__}" if isinstance(name, str) else f"the key {name!r}"
        raise BadCheckpoint(
            f"{path}: holds {found}, not only tensors by name",
            "Save the model's state_dict() alone, as model.safetensors or pytorch_model.bin.",
        )
    if value.layout is not torch.strided or value.is_quantized or value.dtype not in _DTYPES:
        kind = value.dtype if value.layout is torch.strided else value.layout
        raise BadCheckpoint(
            f"{path}: tensor {name!r} has the unsupported type {str(kind).removeprefix('torch.')}",
            f"Convert the checkpoint to dense tensors of one of {', '.join(name for name, _ in DTYPES.values())}.",
        )
    return value.detach()
