"""Positions: the rows of a learned table, rotations of queries and keys, and biases by distance.

Shapes: `T` packed tokens, `N` heads, `H` width of one head, `L` tokens of the longest sequence.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from bertkit.config.encoder import RelativeBias
from bertkit.model.fixed_rows import by_numbers


def learned_rows(ids_T: Tensor, positions_T: Tensor, offset: int) -> Tensor:
    """The row of the position table that each token reads, (T,).

    fairseq's rule, and transformers', for families whose table begins with rows for padding: the padding token is that
    with the id `offset - 1`, it reads the row of this number, and it is not counted. A packed batch has no padding, but
    a text may have the token itself: typed in, or because a vocabulary gives that id to its `[UNK]`.

    Args:
        ids_T: packed ids.
        positions_T: position of each token in its sequence, from 0.
        offset: row of the first counted token; with 0 there is no such rule.
    """
    if offset == 0:
        return positions_T
    padding_T = ids_T == offset - 1
    seen_T = padding_T.cumsum(0)
    starts_T = torch.arange(ids_T.shape[0], device=ids_T.device) - positions_T
    skipped_T = seen_T - (seen_T - padding_T.long())[starts_T]
    return torch.where(padding_T, offset - 1, positions_T + offset - skipped_T)


class Rotation:
    """The angle of each token, ready to turn queries and keys (Su et al. 2021, arXiv 2104.09864).

    Pairs are dimension `i` and `i + H/2` of a head. Angles are float32 whatever the model's precision.

    Args:
        positions_T: position of each token in its sequence.
        head_width: H.
        theta: base of the angles: pair `i` turns by `position · theta^(-2i/H)`.
    """

    def __init__(self, positions_T: Tensor, head_width: int, theta: float) -> None:
        pairs = torch.arange(0, head_width, 2, device=positions_T.device, dtype=torch.float32)
        angles = positions_T[:, None].float() * (1.0 / theta ** (pairs / head_width))
        self.cos_T1H = by_numbers(torch.cos)(torch.cat((angles, angles), dim=-1))[:, None]
        self.sin_T1H = by_numbers(torch.sin)(torch.cat((-angles, angles), dim=-1))[:, None]

    def turn(self, x_TNH: Tensor) -> Tensor:
        """The queries or keys, turned."""
        swapped = x_TNH.roll(x_TNH.shape[-1] // 2, dims=-1)
        return (x_TNH * self.cos_T1H + swapped * self.sin_T1H).to(x_TNH.dtype)


def rotate_reference(x_TNH: Tensor, positions_T: Tensor, theta: float) -> Tensor:
    """The slow twin: float64, each pair as a complex number times a unit complex number."""
    half = x_TNH.shape[-1] // 2
    pairs_TNh = torch.complex(x_TNH[..., :half].double(), x_TNH[..., half:].double())
    angles_Th = positions_T[:, None].double() * theta ** (-torch.arange(half, dtype=torch.float64) / half)
    turned_TNh = pairs_TNh * torch.polar(torch.ones_like(angles_Th), angles_Th)[:, None]
    return torch.cat((turned_TNh.real, turned_TNh.imag), dim=-1)


class DistanceBias(nn.Module):
    """A learned number for each head and bucket of distances (Raffel et al. 2019; Song et al. 2020 for MPNet).

    Half of the buckets is for keys before the query, half for keys after; in each, half holds one distance each and the
    others grow logarithmically up to `max_distance`.
    """

    def __init__(self, table: nn.Embedding, config: RelativeBias) -> None:
        super().__init__()
        self.table = table
        self.config = config

    def forward(self, length: int) -> Tensor:
        """The bias of every pair of positions, (N, L, L)."""
        place = torch.arange(length, device=self.table.weight.device)
        buckets_LL = distance_buckets(place[None, :] - place[:, None], self.config)
        bias_NLL: Tensor = self.table(buckets_LL).permute(2, 0, 1)
        return bias_NLL


def distance_buckets(distance: Tensor, config: RelativeBias) -> Tensor:
    """The bucket of each distance `key - query`."""
    half = config.buckets // 2
    exact = half // 2
    away = distance.abs()
    growth = torch.log(away.clamp(min=1).float() / exact) / math.log(config.max_distance / exact) * (half - exact)
    far = (exact + growth.long()).clamp(max=half - 1)
    return torch.where(away < exact, away, far) + (distance > 0) * half
