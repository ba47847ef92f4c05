"""Tensors that FSDP2 divided between ranks (`DTensor`), and plain ones, handled alike.

What works entry by entry, as Adam does, needs no more than this rank's part (`local_part`). What needs the whole
tensor, such as its norm, needs the other ranks: the squares of a tensor's entries add up over its parts,

    |g|² = |part of rank 0|² + |part of rank 1|² + …

so each rank squares and sums its own, and one sum over the ranks gives the norm, without the tensor itself ever being
put together.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

import torch
from torch import Tensor
from torch.distributed.tensor import DTensor, Partial, Replicate


def local_part(tensor: Tensor) -> Tensor:
    """What this rank holds of a tensor: all of a plain one. Shares its memory."""
    return tensor.to_local() if isinstance(tensor, DTensor) else tensor


def divided_like(part: Tensor, like: Tensor) -> Tensor:
    """The tensor that this rank holds `part` of, divided as `like` is. Shares its memory."""
    if not isinstance(like, DTensor):
        return part
    return DTensor.from_local(
        part, like.device_mesh, like.placements, run_check=False, shape=like.shape, stride=like.stride()
    )


def whole_norms(tensors: Sequence[Tensor]) -> Tensor:
    """The 2-norm of each whole tensor, float32, one number a tensor, the same on every rank.

    Neighbours divided in the same way take one collective together, so every rank must call it with the same list.
    """
    if not tensors:
        return torch.zeros(0)
    parts = []
    for _, group in groupby(tensors, key=_division):
        alike = list(group)
        norms = torch._foreach_norm([local_part(tensor) for tensor in alike], 2, dtype=torch.float32)
        parts.append(_over_ranks(torch.stack(list(norms)), alike[0]))
    return torch.cat(parts)


def _division(tensor: Tensor) -> object:
    """How a tensor is divided; None for a plain one."""
    return (tensor.device_mesh, tensor.placements) if isinstance(tensor, DTensor) else None


def _over_ranks(norms: Tensor, like: Tensor) -> Tensor:
    """Norms of whole tensors from those of this rank's parts, the tensors divided as `like` is.

    A mesh of two dimensions has copies along one and parts along the other. Only parts are added up: `Partial` says
    that what ranks hold are summands. Along copies all have the same number, and adding these would count each copy.
    """
    if not isinstance(like, DTensor):
        return norms
    placements = [Partial() if place.is_shard() else Replicate() for place in like.placements]
    squares = DTensor.from_local(norms.square(), like.device_mesh, placements, run_check=False)
    return squares.full_tensor().sqrt()
