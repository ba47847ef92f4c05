"""The gradient of all parameters together: its size, and a limit to it."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor, nn

from bertkit.optimisation.shards import local_part, whole_norms


@torch.no_grad()
def clip(parameters: Iterable[nn.Parameter], most: float | None) -> Tensor:
    """Scale the gradients in place so that their common 2-norm is at most `most` (Pascanu et al. 2012).

    Parameters may be divided between ranks; every rank must call it. Nothing waits for the device. A gradient that is
    not finite stays so, and the others finite; the caller decides what then happens.

    Args:
        most: None to leave them as they are.

    Returns:
        The norm before, a float32 scalar: 0 where no parameter has a gradient.
    """
    gradients = [parameter.grad for parameter in parameters if parameter.grad is not None]
    norm: Tensor = torch.linalg.vector_norm(whole_norms(gradients))
    if most is not None and gradients:
        # As torch.nn.utils.clip_grad_norm_ has it; but 0 where the norm is not a number, so that zeros stay zeros.
        factor = (most / (norm + 1e-6)).clamp(max=1.0).nan_to_num()
        torch._foreach_mul_([local_part(gradient) for gradient in gradients], factor)
    return norm


@torch.no_grad()
def multiply(parameters: Iterable[nn.Parameter], factor: float) -> None:
    """Multiply all gradients in place; parameters may be divided between ranks."""
    gradients = [local_part(parameter.grad) for parameter in parameters if parameter.grad is not None]
    if gradients:
        torch._foreach_mul_(gradients, factor)
