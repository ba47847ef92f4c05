"""The machine's peak in matrix products, as measured; a run's MFU (model FLOPs utilisation) is its share of that."""

from __future__ import annotations

import time
from functools import cache

import torch

# Sides of square matrices, growing to what keeps all cores of a CPU, or all of a GPU, at work.
SIDES = {"cpu": (128, 256, 512, 1024), "cuda": (2048, 8192)}
LONG_SECONDS = 0.02  # a longer product is at work long enough; what would only take longer is not tried
MOST_PRODUCTS = 10
ENOUGH_SECONDS = 0.1


@cache
def matmul_peak(device: torch.device, dtype: torch.dtype) -> float:
    """FLOP/s of the fastest of some products of random square matrices; measured once a process, in less than 1 s."""
    fastest = 0.0
    for side in SIDES.get(device.type, SIDES["cpu"]):
        seconds = _least_seconds(side, device, dtype)
        fastest = max(fastest, 2.0 * side**3 / seconds)
        if seconds > LONG_SECONDS:
            break
    return fastest


def _least_seconds(side: int, device: torch.device, dtype: torch.dtype) -> float:
    """The fastest of a few products of this size."""
    generator = torch.Generator(device).manual_seed(0)
    left, right = (torch.randn(side, side, device=device, generator=generator).to(dtype) for _ in range(2))
    out = torch.empty_like(left)
    _product_seconds(left, right, out)  # the first also loads and chooses the kernel
    seconds: list[float] = []
    while len(seconds) < MOST_PRODUCTS and sum(seconds) < ENOUGH_SECONDS:
        seconds.append(_product_seconds(left, right, out))
    return min(seconds)


def _product_seconds(left: torch.Tensor, right: torch.Tensor, out: torch.Tensor) -> float:
    _wait(left.device)
    start = time.perf_counter()
    torch.mm(left, right, out=out)
    _wait(left.device)
    return time.perf_counter() - start


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)
