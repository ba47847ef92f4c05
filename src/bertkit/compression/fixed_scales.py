"""Scales of what layers read, from what they read on some texts.

Columns of activations differ a hundredfold, and a few that are always large would leave the others two or three of the
255 steps. So each column has a scale and a middle of its own, which cost nothing: making bytes is one pass over the
numbers anyway, and the weights take the scales in. How much of a column's size they take is a compromise between the
two (Xiao et al. 2022, SmoothQuant, arXiv 2211.10438).

Shapes: `O` outputs, `I` inputs.
"""

from __future__ import annotations

import torch
from torch import Tensor

from bertkit.compression.observing import Extremes
from bertkit.model.quantising import BYTES, MIDDLE

TAKEN = 0.6  # exponent of a column's size in what the weights take; 0.5 to 0.7 measure alike
SMALLEST = 1e-6  # of a column's half range, and of its weights: a column may be constant


def column_scales(seen: Extremes, weight_OI: Tensor) -> Tensor:
    """A scale and what the middle byte stands for, for each column, (2, I)."""
    centre_I = (seen.most_I + seen.least_I) / 2
    half_I = ((seen.most_I - seen.least_I) / 2).clamp_min(SMALLEST)
    largest_I = weight_OI.float().abs().amax(dim=0).clamp_min(SMALLEST)
    taken_I = half_I**TAKEN / largest_I ** (1 - TAKEN)
    scale_I = taken_I * (half_I / taken_I).max() * 2 / BYTES
    return torch.stack([scale_I, centre_I + scale_I / 2])  # bytes go from -128 to 127 about it


def one_scale(seen: Extremes) -> Tensor:
    """A scale and what the middle byte stands for, for all columns, (2, 1): a whole number of scales from 0."""
    least, most = seen.least_I.min().clamp(max=0.0), seen.most_I.max().clamp(min=0.0)
    scale = (most - least).clamp_min(SMALLEST) / BYTES
    return torch.stack([scale, (torch.round(least / scale) + MIDDLE) * scale])[:, None]
