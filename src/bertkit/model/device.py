"""Which device a model runs on, and what it is good at."""

from __future__ import annotations

import torch

from bertkit.errors import DeviceError, near_match
from bertkit.model.linear import has_fast_bfloat16

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
    try:
        device = torch.device(name)
    except RuntimeError:
        raise DeviceError(f"unknown device {name!r}", f"Write it as {kind} or, for one of several, {kind}:0.") from None
    if kind == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        raise DeviceError(
            f"no device {name!r}: there are {torch.cuda.device_count()}", "Count them from 0, or use cuda."
        )
    return device


def is_faster_in_bfloat16(device: torch.device) -> bool:
    """Whether the device is faster with bfloat16 than with float32."""
    return torch.cuda.is_bf16_supported() if device.type == "cuda" else has_fast_bfloat16()
