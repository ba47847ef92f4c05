"""Which precision a model runs in, and making it ready for it."""

from __future__ import annotations

import torch
from torch import nn

from bertkit.errors import DeviceError, near_match
from bertkit.model.device import is_faster_in_bfloat16
from bertkit.model.linear import can_pack, pack_linears

DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16}


def choose_dtype(name: str, device: torch.device) -> torch.dtype:
    """The precision called `name`; `auto` is bfloat16 where the device is faster with it, else float32.

    Raises:
        DeviceError: no such precision.
    """
    if name == "auto":
        return torch.bfloat16 if is_faster_in_bfloat16(device) else torch.float32
    if name not in DTYPES:
        raise DeviceError(f"unknown dtype {name!r}{near_match(name, DTYPES)}", f"Choose auto, {', '.join(DTYPES)}.")
    return DTYPES[name]


def make_ready(module: nn.Module, device: torch.device, dtype: torch.dtype) -> None:
    """Move `module` to its device and precision and, on a CPU, lay its weights out for the matrix kernels, in place."""
    if device.type == "cpu" and can_pack(dtype):
        pack_linears(module, dtype)
    module.requires_grad_(False).to(device=device, dtype=dtype)
