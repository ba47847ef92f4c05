"""The published initialisation."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from bertkit.model.heads import MaskedLMHead


@torch.no_grad()
def initialise(module: nn.Module, deviation: float = 0.02, generator: torch.Generator | None = None) -> None:
    """Fill `module` as BERT was: matrices from a normal cut at two standard deviations, biases 0, norms 1.

    As in Google's code, `deviation` is that of the normal before the cut. The padding row of the token table is filled
    like any other: packed batches have no padding.
    """
    for part in module.modules():
        if isinstance(part, nn.Linear | nn.Embedding):
            _fill(part.weight, deviation, generator)
        if isinstance(part, nn.LayerNorm | nn.RMSNorm):
            nn.init.ones_(part.weight)
        if isinstance(part, nn.Linear | nn.LayerNorm) and part.bias is not None:
            nn.init.zeros_(part.bias)
        if isinstance(part, MaskedLMHead):
            if part.decoder is not None:
                _fill(part.decoder, deviation, generator)
            if part.bias is not None:
                nn.init.zeros_(part.bias)


def _fill(matrix: Tensor, deviation: float, generator: torch.Generator | None) -> None:
    nn.init.trunc_normal_(matrix, std=deviation, a=-2 * deviation, b=2 * deviation, generator=generator)
