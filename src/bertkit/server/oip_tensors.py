"""Tensors of the Open Inference Protocol: in JSON, or as bytes behind it (its binary extension).

With the header `Inference-Header-Content-Length` a body is so many bytes of JSON, then the bytes of each tensor that
has a `binary_data_size`, one after the other. BYTES elements have their length before them, four bytes, lowest first.
Every length that a body declares is held against the bytes that there are.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import orjson
from pydantic import BaseModel, ConfigDict, Field

from bertkit.errors import InputError

LENGTH_HEADER = "inference-header-content-length"
NUMBERS: Mapping[str, str] = {
    "BOOL": "?",
    "UINT8": "<u1",
    "UINT16": "<u2",
    "UINT32": "<u4",
    "UINT64": "<u8",
    "INT8": "<i1",
    "INT16": "<i2",
    "INT32": "<i4",
    "INT64": "<i8",
    "FP16": "<f2",
    "FP32": "<f4",
    "FP64": "<f8",
}


class Tensor(BaseModel):
    """An input."""

    model_config = ConfigDict(extra="ignore")
    name: str
    shape: list[int]
    datatype: str
    data: list[Any] | None = None
    parameters: dict[str, Any] = {}


class Wanted(BaseModel):
    """An output that is asked for."""

    model_config = ConfigDict(extra="ignore")
    name: str
    parameters: dict[str, Any] = {}


class Inference(BaseModel):
    """A request."""

    model_config = ConfigDict(extra="ignore")
    id: str | None = None
    inputs: list[Tensor] = Field(min_length=1)
    outputs: list[Wanted] = []
    parameters: dict[str, Any] = {}


def split(body: bytes, header_length: str | None) -> tuple[bytes, bytes]:
    """The JSON of a body, and the bytes behind it.

    Raises:
        InputError: the header says another length than there can be.
    """
    if header_length is None:
        return body, b""
    if not header_length.isdigit() or int(header_length) > len(body):
        raise InputError(f"{LENGTH_HEADER} is no length within the body", "Give the length of the JSON, in bytes.")
    return body[: int(header_length)], body[int(header_length) :]


def texts_of(inference: Inference, behind: bytes) -> dict[str, list[str]]:
    """The texts of each input, by its name.

    Raises:
        InputError: an input is of another type, its data is not of its shape, or bytes are missing or left over.
    """
    place = 0
    found: dict[str, list[str]] = {}
    for tensor in inference.inputs:
        if tensor.datatype != "BYTES":
            raise InputError(f"input {_named(tensor)} is not BYTES", "Send texts as BYTES, in UTF-8.")
        if any(size < 0 for size in tensor.shape):
            raise InputError(f"the shape of input {_named(tensor)} has a negative size", "Give how many there are.")
        size = tensor.parameters.get("binary_data_size")
        if size is None:
            texts = _flat(tensor)
        else:
            if not isinstance(size, int) or isinstance(size, bool) or not 0 <= size <= len(behind) - place:
                raise InputError(f"binary_data_size of input {_named(tensor)} is not within the body", "Correct it.")
            texts = _elements(behind[place : place + size], tensor)
            place += size
        if len(texts) != math.prod(tensor.shape):
            raise InputError(f"input {_named(tensor)} has {len(texts):,} elements, its shape others", "Correct one.")
        found[tensor.name] = texts
    if place != len(behind):
        raise InputError(f"{len(behind) - place:,} bytes behind the last input", "Declare them, or leave them out.")
    return found


def _named(tensor: Tensor) -> str:
    return repr(tensor.name[:40])


def _flat(tensor: Tensor) -> list[str]:
    """The elements of `data`, flat or nested."""
    flat: list[Any] = list(tensor.data or ())
    while any(isinstance(one, list) for one in flat):
        flat = [part for one in flat for part in (one if isinstance(one, list) else [one])]
    if not all(isinstance(one, str) for one in flat):
        raise InputError(f"input {_named(tensor)} has an element that is not text", "Send strings.")
    return flat


def _elements(data: bytes, tensor: Tensor) -> list[str]:
    texts = []
    place = 0
    while place < len(data):
        if place + 4 > len(data):
            raise InputError(f"input {_named(tensor)} ends within a length", "Write each length in four bytes.")
        (length,) = struct.unpack_from("<I", data, place)
        place += 4
        if length > len(data) - place:
            raise InputError(f"input {_named(tensor)} ends within an element", "Correct its length.")
        try:
            texts.append(data[place : place + length].decode())
        except UnicodeDecodeError:
            raise InputError(f"input {_named(tensor)} is not UTF-8", "Send texts in UTF-8.") from None
        place += length
    return texts


Values = npt.NDArray[Any] | Sequence[str]


def datatype(values: Values) -> str:
    """What the protocol calls the type of an output."""
    if isinstance(values, np.ndarray):
        return {"f": "FP32", "i": "INT64"}[values.dtype.kind]
    return "BYTES"


def in_bytes(values: Values) -> bytes:
    """An output as bytes."""
    if isinstance(values, np.ndarray):
        return np.ascontiguousarray(values, NUMBERS[datatype(values)]).tobytes()
    parts = [one.encode() for one in values]
    return b"".join(struct.pack("<I", len(part)) + part for part in parts)


def written(
    head: dict[str, object], outputs: Mapping[str, tuple[Sequence[int], Values]], inference: Inference
) -> tuple[bytes, int | None]:
    """A response's body, and the length of its JSON where bytes stand behind it.

    Args:
        outputs: shape and values, by name.
    """
    wanted = {one.name: one for one in inference.outputs}
    described, behind = [], []
    for name, (shape, values) in outputs.items():
        parameters = wanted[name].parameters if name in wanted else {}
        is_binary = parameters.get("binary_data", inference.parameters.get("binary_data_output", False))
        one: dict[str, object] = {"name": name, "shape": list(shape), "datatype": datatype(values)}
        if is_binary:
            behind.append(in_bytes(values))
            described.append(one | {"parameters": {"binary_data_size": len(behind[-1])}})
        else:
            described.append(one | {"data": values.reshape(-1) if isinstance(values, np.ndarray) else list(values)})
    json = orjson.dumps(head | {"outputs": described}, option=orjson.OPT_SERIALIZE_NUMPY)
    return json + b"".join(behind), len(json) if behind else None
