"""From floating point to 8 bits and back: weights, a scale for each row; activations, a scale for each row or for all.

Weights are symmetric: -127 to 127 times the row's scale. Activations are bytes from the least number to the largest,
for those of an encoder are not symmetric: its outliers are on one side. The kernels take a zero point off the bytes:
those with a sign fall into oneDNN's reference code on some machines, thousands of times slower.

Shapes: `O` outputs, `I` inputs, `T` rows of activations.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

LARGEST = 127  # of a weight
NARROW = 63  # of a weight for kernels whose sums of two products have only 16 bits
BYTES = 255  # steps from the least byte to the largest
MIDDLE = 128  # the byte that the kernels take for 0
BLOCK = 2**16  # numbers that go through several passes together
SMALLEST = 1e-30  # no row is divided by less


def quantise_rows(weight_OI: Tensor, scale_dtype: torch.dtype = torch.float32) -> tuple[Tensor, Tensor]:
    """Whole numbers from -127 to 127, (O, I) int8, and each row's scale, (O,). A row of zeros has the scale 1."""
    weight_OI = weight_OI.detach().float()
    largest_O = weight_OI.abs().amax(dim=1) if weight_OI.shape[1] else weight_OI.new_zeros(len(weight_OI))
    scale_O = (largest_O / LARGEST).to(scale_dtype)
    scale_O = torch.where(scale_O > 0, scale_O, torch.ones_like(scale_O))
    whole_OI = (weight_OI / scale_O.float()[:, None]).round_().clamp_(-LARGEST, LARGEST)
    return whole_OI.to(torch.int8), scale_O


def dequantise_rows(weight_OI: Tensor, scale_O: Tensor) -> Tensor:
    """The numbers that int8 rows stand for, (O, I) float32."""
    return weight_OI.float() * scale_O.float()[:, None]


def narrowed(weight_OI: Tensor, scale_O: Tensor) -> tuple[Tensor, Tensor]:
    """The same weights in 7 bits, -63 to 63, and their scales."""
    whole_OI = (weight_OI.float() * (NARROW / LARGEST)).round_()
    return whole_OI.to(torch.int8), scale_O * (LARGEST / NARROW)


def to_bytes(x_TI: Tensor, scale_I: Tensor, centre_I: Tensor) -> Tensor:
    """`(x - centre) / scale` as bytes, 0 being `MIDDLE`, (T, I) uint8; what is out of their range becomes the nearest.

    Args:
        scale_I, centre_I: of each column, or one for all.
    """
    shift_I, per_I = -centre_I / scale_I, 1.0 / scale_I
    return _joined(
        [_flipped(torch.addcmul(shift_I, x, per_I).round_().clamp_(-MIDDLE, MIDDLE - 1)) for x in in_blocks(x_TI)]
    )


def rows_to_bytes(x_TI: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Each row from its least number to its largest, 0 among them, as bytes, (T, I) uint8.

    Returns:
        The bytes, and of each row the scale and what `MIDDLE` stands for, (T, 1).
    """
    bytes_TI, scale_T1, centre_T1 = (
        _joined(parts) for parts in zip(*map(_rows_to_bytes, in_blocks(x_TI)), strict=True)
    )
    return bytes_TI, scale_T1, centre_T1


def _rows_to_bytes(x_TI: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    least_T1 = x_TI.amin(dim=1, keepdim=True).clamp_max_(0.0)
    scale_T1 = (x_TI.amax(dim=1, keepdim=True).clamp_min_(0.0) - least_T1).clamp_min_(SMALLEST) / BYTES
    centre_T1 = torch.add(least_T1, scale_T1, alpha=MIDDLE)
    return _flipped(torch.addcmul(-centre_T1 / scale_T1, x_TI, 1.0 / scale_T1).round_()), scale_T1, centre_T1


def in_blocks(x_TI: Tensor) -> tuple[Tensor, ...]:
    """Its rows, so few at a time that what is done to them one after the other is done in the processor's cache."""
    blocks: tuple[Tensor, ...] = x_TI.split(max(1, BLOCK // max(1, x_TI.shape[1])))  # type: ignore[no-untyped-call]
    return blocks


def _joined(blocks: Sequence[Tensor]) -> Tensor:
    return blocks[0] if len(blocks) == 1 else torch.cat(list(blocks))


def _flipped(whole_TI: Tensor) -> Tensor:
    """Whole numbers from -128 to 127 as bytes that are 128 more.

    torch converts to int8 four times as fast as to uint8; they differ in the highest bit.
    """
    return whole_TI.to(torch.int8).view(torch.uint8).bitwise_xor_(MIDDLE)
