"""Heads of the pre-training objectives: what turns hidden states into predictions.

Shapes: `M` chosen tokens, `B` sequences, `W` width, `V` vocabulary.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from bertkit.config.encoder import EncoderConfig
from bertkit.model.mlp import ACTIVATIONS


class MaskedLMHead(nn.Module):
    """Scores of every token of the vocabulary, for tokens chosen by the caller (Devlin et al. 2018).

    The decoder's matrix is the encoder's token table, handed in at each call: it is one tensor, kept in one place.
    """

    def __init__(self, config: EncoderConfig) -> None:
        super().__init__()
        self.dense = nn.Linear(config.width, config.width, dtype=torch.float32)
        self.norm = nn.LayerNorm(config.width, eps=config.norm_eps, dtype=torch.float32)
        self.bias = nn.Parameter(torch.zeros(config.vocab_size, dtype=torch.float32))
        self.activation = ACTIVATIONS[config.activation]

    def forward(self, hidden_MW: Tensor, token_VW: Tensor) -> Tensor:
        """Logits over the vocabulary, (M, V)."""
        x_MW = self.norm(self.activation(self.dense(hidden_MW)))
        return nn.functional.linear(x_MW, token_VW, self.bias)


class NextSentenceHead(nn.Module):
    """Does the second text follow the first? Two logits: it does, it does not (Devlin et al. 2018)."""

    def __init__(self, config: EncoderConfig) -> None:
        super().__init__()
        self.classifier = nn.Linear(config.width, 2, dtype=torch.float32)

    def forward(self, pooled_BW: Tensor) -> Tensor:
        """Logits, (B, 2)."""
        return self.classifier(pooled_BW)  # type: ignore[no-any-return]
