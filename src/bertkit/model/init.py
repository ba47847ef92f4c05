"""The published initialisation."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from bertkit.model.heads import Head, MaskedLMHead


@torch.no_grad()
def initialise(module: nn.Module, deviation: float = 0.02, generator: torch.Generator | None = None) -> None:
    """Fill `module` as BERT was: matrices from a normal cut at two standard deviations, biases 0, norms 1.

    As in Google's code, `deviation` is that of the normal before the cut. The padding row of the token table is filled
    like any other: packed batches have no padding.
    """
    for part in module.modules():
        if isinstance(part, nn.Linear | nn.Embedding):
            _fill(part.weight, deviation, generator)
        if isinstance(part, nn.LayerNorm | nn.RMSNorm) and part.weight is not None:
            nn.init.ones_(part.weight)
        if isinstance(part, nn.Linear | nn.LayerNorm) and part.bias is not None:
            nn.init.zeros_(part.bias)
        if isinstance(part, MaskedLMHead):
            if part.decoder is not None:
                _fill(part.decoder, deviation, generator)
            if part.bias is not None:
                nn.init.zeros_(part.bias)


@torch.no_grad()
def bias_from_priors(head: Head, shares: Sequence[float]) -> None:
    """Let a new head with an independent sigmoid a label say of any text what is known before it is read.

    Where labels are rare and biases begin at 0, the first steps teach the encoder to be the same for all texts, since
    that lowers all probabilities soonest; it may not recover. After Lin et al. 2017 (arXiv 1708.02002, 3.3).

    Args:
        shares: of the examples that have each label, in (0, 1).
    """
    assert isinstance(head.classifier, nn.Linear)
    head.classifier.bias.copy_(torch.logit(torch.tensor(shares)))


def _fill(matrix: Tensor, deviation: float, generator: torch.Generator | None) -> None:
    nn.init.trunc_normal_(matrix, std=deviation, a=-2 * deviation, b=2 * deviation, generator=generator)
