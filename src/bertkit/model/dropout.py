"""Dropout (Srivastava et al. 2014) whose random numbers cost a CPU little.

torch draws one number after another for each entry, which takes a CPU as long as a fair part of a small model's
products. Here an entry takes 16 random bits: four entries a draw. It is left with the probability that is nearest to
what was asked for, of 65,536 steps, and divided by exactly that, so that means are kept. On other devices, and as the
slow twin, torch's own.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from bertkit.config.kernels import drops_by_hand

STEPS = 2**16
LANES = 4  # 16-bit numbers in what is drawn at once


class Dropout(nn.Module):
    """In training each entry is 0 with probability `p`, and the others are larger by 1 / (1 - p); else the identity."""

    def __init__(self, p: float) -> None:
        super().__init__()
        self.p = p

    def forward(self, x: Tensor) -> Tensor:
        """The same shape."""
        if not self.training or self.p == 0.0:
            return x
        if not drops_by_hand(x.device.type):
            return functional.dropout(x, self.p)
        return x * kept(x.shape, self.p, x.dtype)


def kept(shape: Sequence[int], p: float, dtype: torch.dtype) -> Tensor:
    """On the CPU, by torch's generator: 0 where an entry is dropped, else what it is multiplied by."""
    dropped = round(p * STEPS)
    count = torch.Size(shape).numel()
    bits = torch.empty(-(-count // LANES), dtype=torch.int64).random_(torch.iinfo(torch.int64).min, None)
    numbers = bits.view(torch.int16)[:count].view(shape)  # from -STEPS / 2 on, all as likely
    if dropped in (0, STEPS):
        return torch.full(shape, float(not dropped), dtype=dtype)
    # As 0 and 1 by whole numbers: to convert what a comparison gives takes several times as long.
    first = dropped - STEPS // 2  # of the numbers that are kept
    return numbers.clamp_(first - 1, first).sub_(first - 1).to(dtype).mul_(STEPS / (STEPS - dropped))
