"""Which device and which precision a model runs in, and making it ready for them."""

from __future__ import annotations

import torch
from torch import nn

from bertkit.errors import DeviceError, near_match
from bertkit.model.linear import can_pack, has_fast_bfloat16, pack_linears

DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16}
DEVICES = ("auto", "cpu", "cuda")


def choose_device(name: str) -> torch.device:
    """The device called `name`; `auto` is the GPU where there is one.

    Raises:
        DeviceError: no such device, or not on this machine.
    """
    kind = name.partition(":")[0]
    if kind not in DEVICES:
        raise DeviceError(f"unknown device {name!r}{near_match(name, DEVICES)}")
    if kind == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    if kind == "cuda" and not torch.cuda.is_available():
        raise DeviceError("no CUDA device on this machine", "Use --device cpu, or check the driver with nvidia-smi.")
    return torch.device(name)


def choose_dtype(name: str, device: torch.device) -> torch.dtype:
    """The precision called `name`; `auto` is bfloat16 where the device is faster with it, else float32.

    Raises:
        DeviceError: no such precision.
    """
    if name == "auto":
        fast = torch.cuda.is_bf16_supported() if device.type == "cuda" else has_fast_bfloat16()
        return torch.bfloat16 if fast else torch.float32
    if name not in DTYPES:
        raise DeviceError(f"unknown dtype {name!r}{near_match(name, DTYPES)}", f"Choose auto, {', '.join(DTYPES)}.")
    return DTYPES[name]


def make_ready(module: nn.Module, device: torch.device, dtype: torch.dtype) -> None:
    """Move `module` to its device and precision and, on a CPU, lay its weights out for the matrix kernels, in place."""
    if device.type == "cpu" and can_pack(dtype):
        pack_linears(module, dtype)
    module.requires_grad_(False).to(device=device, dtype=dtype)
