"""Which device a model runs on, and which precision is fastest there."""

from __future__ import annotations

from functools import cache

import torch

from bertkit.config.kernels import Processor, best_precision
from bertkit.errors import DeviceError, near_match

DEVICES = ("auto", "cpu", "cuda", "mps")


def choose_device(name: str, *, learns: bool = False) -> torch.device:
    """The device called `name`; `auto` is the GPU where there is one. AMD's GPUs are `cuda` to torch.

    Args:
        learns: for training, of which `auto` is no `mps`: nobody has tried it there.

    Raises:
        DeviceError: no such device, or not on this machine.
    """
    kind = name.partition(":")[0]
    if kind not in DEVICES:
        raise DeviceError(f"unknown device {name!r}{near_match(name, DEVICES)}", f"Choose {', '.join(DEVICES)}.")
    has_cuda, has_mps = torch.cuda.is_available(), torch.backends.mps.is_available()
    if kind == "auto":
        return torch.device(automatic(cuda=has_cuda, mps=has_mps and not learns))
    if kind == "cuda" and not has_cuda:
        raise DeviceError("no CUDA device on this machine", "Use --device cpu, or check the driver with nvidia-smi.")
    if kind == "mps" and not has_mps:
        raise DeviceError(
            "no MPS device on this machine", "Use --device cpu; MPS is of Apple's processors and macOS 14 or later."
        )
    try:
        device = torch.device(name)
    except RuntimeError:
        raise DeviceError(f"unknown device {name!r}", f"Write it as {kind} or, for one of several, {kind}:0.") from None
    count = torch.cuda.device_count() if kind == "cuda" else 1
    if (device.index or 0) >= count:
        there_are = f"there are {count}" if count > 1 else "there is 1"
        raise DeviceError(f"no device {name!r}: {there_are}", f"Count them from 0, or use {kind}.")
    return device


def automatic(*, cuda: bool, mps: bool) -> str:
    """The kind of device that is taken where nobody names one, of those that there are beside the CPU."""
    return "cuda" if cuda else "mps" if mps else "cpu"


@cache
def processor(device: torch.device) -> Processor:
    """What choices of kernels ask about a device."""
    gpu = device.type == "cuda"
    cpu = device.type == "cpu"
    return Processor(
        kind=device.type,
        capability=torch.cuda.get_device_capability(device) if gpu else None,
        rocm=gpu and torch.version.hip is not None,
        bfloat16=cpu and has_fast_bfloat16(),
        packs=cpu and torch.backends.mkldnn.is_available(),  # type: ignore[no-untyped-call]
    )


def has_fast_bfloat16() -> bool:
    """Whether this machine's CPU multiplies bfloat16 matrices faster than float32 ones (AMX or AVX512-BF16)."""
    return torch.cpu._is_amx_tile_supported() or torch.cpu._is_avx512_bf16_supported()


def best_dtype(device: torch.device) -> torch.dtype:
    """The precision that the device is fastest in."""
    dtype = getattr(torch, best_precision(processor(device)))
    assert isinstance(dtype, torch.dtype)
    return dtype


def precision_of(dtype: torch.dtype) -> str:
    """As users write it: `float32`, `bfloat16` …"""
    return str(dtype).removeprefix("torch.")


def is_half(dtype: torch.dtype) -> bool:
    """Whether numbers have 16 bits."""
    return dtype in (torch.float16, torch.bfloat16)


def is_faster_in_bfloat16(device: torch.device) -> bool:
    """Whether the device is faster with bfloat16 than with float32."""
    return best_dtype(device) == torch.bfloat16
