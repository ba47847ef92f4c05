"""The tensors of a folder whose weights are int8: what goes with what, and whether all of it is there. Torch-free.

A weight that is int8 has beside it, under its name with an ending (`config/int8.py`), the scale of each row. Where what
its layer reads has scales that do not depend on the text, they are there too, and in the weight: it is int8 of `W · s`.
Any other tensor is what it is everywhere.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from bertkit.checkpoints.headers import TensorHeader
from bertkit.checkpoints.stored import StoredTensors
from bertkit.config.int8 import INPUTS, SCALE, base_of
from bertkit.errors import BadCheckpoint
from bertkit.families.contract import Weight

if TYPE_CHECKING:
    from torch import Tensor

WHOLE, FLOATS = "int8", ("float32", "float16", "bfloat16", "float64")


def check_stored(stored: StoredTensors, source: str) -> None:
    """Sees that each int8 weight has what goes with it, and nothing else has.

    Raises:
        BadCheckpoint: naming the tensor.
    """
    headers = stored.headers
    for name, header in headers.items():
        base = base_of(name)
        if base != name and (base not in headers or headers[base].dtype != WHOLE):
            raise BadCheckpoint(f"{source}: tensor {name} goes with {base}, which is not there in int8")
        if base != name and header.dtype not in FLOATS:
            raise BadCheckpoint(f"{source}: tensor {name} is of {header.dtype}")
        if base == name and header.dtype == WHOLE:
            _check_one(name, stored, source)


def _check_one(name: str, stored: StoredTensors, source: str) -> None:
    shape, scale, inputs = (
        stored.headers[name].shape,
        stored.headers.get(name + SCALE),
        stored.headers.get(name + INPUTS),
    )
    if len(shape) != 2:
        raise BadCheckpoint(f"{source}: tensor {name} is int8 and has shape {shape}, no rows")
    if scale is None:
        raise BadCheckpoint(f"{source}: no tensor {name + SCALE}, the scales of {name}")
    if scale.shape != shape[:1]:
        raise BadCheckpoint(f"{source}: tensor {name + SCALE} has shape {scale.shape}, not one number a row")
    _check_positive(name + SCALE, stored.numbers(name + SCALE), source)
    if inputs is None:
        return
    if inputs.shape not in ((2, 1), (2, shape[1])):
        raise BadCheckpoint(f"{source}: tensor {name + INPUTS} has shape {inputs.shape}, not (2, columns)")
    scales_I, centres_I = stored.numbers(name + INPUTS)
    _check_positive(name + INPUTS, scales_I, source)
    if not np.isfinite(centres_I).all():
        raise BadCheckpoint(f"{source}: tensor {name + INPUTS} is not finite")


def _check_positive(name: str, scales: Any, source: str) -> None:
    if not ((scales > 0) & np.isfinite(scales)).all():
        raise BadCheckpoint(f"{source}: tensor {name} holds a scale that is not a positive number")


def as_floats(stored: StoredTensors) -> StoredTensors:
    """The numbers that they stand for, float32 where they are int8: what learns, explains or converts reads these.

    Each is made when it is asked for.
    """
    headers = {
        name: TensorHeader(header.shape, "float32") if header.dtype == WHOLE else header
        for name, header in stored.headers.items()
        if base_of(name) == name
    }

    def read() -> Mapping[str, Tensor]:
        from bertkit.pretrained.int8_folder import FloatView

        return FloatView(stored)

    return StoredTensors(headers, read)


def with_endings(rows: Iterable[Weight]) -> tuple[Weight, ...]:
    """A family's rows, and for each the ones of what goes with an int8 weight.

    The scales of stacked weights are stacked as they are; what all of them read is said of each, and read of the first.
    """
    made: list[Weight] = []
    for row in rows:
        names, others = (tuple(name + SCALE for name in some) for some in (row.theirs, row.aliases))
        made += [row, replace(row, ours=row.ours + SCALE, theirs=names, aliases=others)]
        first, others = (row.theirs[0] + INPUTS,), tuple(name + INPUTS for name in row.aliases)
        made.append(replace(row, ours=row.ours + INPUTS, theirs=first, aliases=others, by_heads=False))
    return tuple(made)


def scales_of(rows: Iterable[Weight], stored: Mapping[str, Any]) -> dict[str, int]:
    """Our names of the weights that are int8, and how many scales there are for what their layers read.

    Args:
        stored: tensors, or their headers.
    """
    found: dict[str, int] = {}
    for row in rows:
        weight, inputs = stored.get(row.theirs[0]), stored.get(row.theirs[0] + INPUTS)
        if weight is not None and str(weight.dtype).removeprefix("torch.") == WHOLE:
            found[row.ours] = 0 if inputs is None else inputs.shape[1]
    return found
