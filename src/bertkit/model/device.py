"""Which device a model runs on, and what it is good at."""

from __future__ import annotations

from functools import cache

import torch

from bertkit.config.kernels import Capability
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


def best_dtype(device: torch.device) -> torch.dtype:
    """The precision that the device is fastest in."""
    return best_dtype_of(device.type, capability(device), cpu_has_bfloat16=has_fast_bfloat16())


def best_dtype_of(kind: str, capability: Capability | None, *, cpu_has_bfloat16: bool) -> torch.dtype:
    """The precision that such a device is fastest in.

    A GPU multiplies bfloat16 from compute capability 8.0 on; before that it only imitates it, slowly, and from 7.0 on
    has float16 instead.

    Args:
        kind: `cpu`, `cuda` …
        capability: of a GPU.
        cpu_has_bfloat16: whether this machine's processor has instructions for it.
    """
    if kind == "cpu":
        return torch.bfloat16 if cpu_has_bfloat16 else torch.float32
    if capability is None or capability < (7, 0):
        return torch.float32
    return torch.bfloat16 if capability >= (8, 0) else torch.float16


@cache
def capability(device: torch.device) -> Capability | None:
    """The compute capability of a GPU; None for other devices."""
    return torch.cuda.get_device_capability(device) if device.type == "cuda" else None


def is_faster_in_bfloat16(device: torch.device) -> bool:
    """Whether the device is faster with bfloat16 than with float32."""
    return best_dtype(device) == torch.bfloat16
