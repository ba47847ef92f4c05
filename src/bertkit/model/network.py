"""The network: an encoder, a head, and what is read of them. The one thing that is answered with, exported, explained.

Shapes: `T` packed tokens, `B` sequences, `W` width, `M` named tokens, `R` rows of output, `C` numbers of a head.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from bertkit.batching.layout import Layout
from bertkit.batching.token_batch import TokenBatch
from bertkit.config.readout import Readout
from bertkit.model.heads import Head, MaskedLMHead
from bertkit.model.vector_steps import RecipeHead

if TYPE_CHECKING:
    from bertkit.model.encoder import Encoder

LOGITS_AT_ONCE = 2**23  # 32 MB in float32, and as much again for their softmax


class Network(nn.Module):
    """From packed tokens to what a task reads.

    Args:
        head: None where the encoder's own vectors are read.
    """

    def __init__(self, encoder: Encoder, head: nn.Module | None, readout: Readout) -> None:
        super().__init__()
        self.encoder = encoder
        self.head = head
        self.readout = readout

    def forward(self, batch: TokenBatch, output_indices_M: Tensor | None = None) -> tuple[Tensor, ...]:
        """The output of a batch: tensors whose first axis is R, the sequences' rows in order.

        Args:
            output_indices_M: the tokens that have a row each, where the readout's rows are masks.
        """
        indices_M = self._needed(batch.layout, output_indices_M)
        hidden_TW = self.encoder.hidden(batch, indices_M)
        if self.readout.pooling:
            assert isinstance(self.head, RecipeHead)
            return self.head.parts(hidden_TW, batch.layout)
        if self.head is None:
            return (hidden_TW,)
        if self.readout.top_k and output_indices_M is not None:
            return self._likeliest(hidden_TW, batch.layout, output_indices_M)
        logits_RC = self.logits(hidden_TW, batch.layout, output_indices_M)
        return self._best(logits_RC) if self.readout.top_k else (logits_RC,)

    def _likeliest(self, hidden_TW: Tensor, layout: Layout, output_indices_M: Tensor) -> tuple[Tensor, ...]:
        """The likeliest numbers of each row and their probabilities, few rows at a time: a vocabulary is wide."""
        at_once = max(1, LOGITS_AT_ONCE // self.encoder.config.vocab_size)
        found = [
            self._best(self.logits(hidden_TW, layout, some_M)) for some_M in torch.split(output_indices_M, at_once)
        ]
        return torch.cat([scores_RK for scores_RK, _ in found]), torch.cat([ids_RK for _, ids_RK in found])

    def _best(self, logits_RC: Tensor) -> tuple[Tensor, Tensor]:
        """The probabilities and numbers of the best, (R, K) each, of those that are chosen or of all."""
        scores_RC = torch.softmax(logits_RC.float(), dim=-1)
        if not self.readout.chosen:
            scores_RK, ids_RK = scores_RC.topk(self.readout.top_k, dim=-1)
            return scores_RK, ids_RK
        chosen_N = torch.tensor(self.readout.chosen, device=scores_RC.device)
        scores_RK, places_RK = scores_RC[:, chosen_N].topk(self.readout.top_k, dim=-1)
        return scores_RK, chosen_N[places_RK]

    def logits(self, hidden_TW: Tensor, layout: Layout, output_indices_M: Tensor | None = None) -> Tensor:
        """What the head gives for hidden states, (R, C)."""
        assert self.head is not None
        if isinstance(self.head, MaskedLMHead):
            assert output_indices_M is not None
            return self.head(hidden_TW[output_indices_M], self.encoder)  # type: ignore[no-any-return]
        return self.head(hidden_TW, layout, self.encoder)  # type: ignore[no-any-return]

    def _needed(self, layout: Layout, output_indices_M: Tensor | None) -> Tensor | None:
        """The tokens whose last hidden states anyone reads; None for all."""
        if isinstance(self.head, Head | RecipeHead):
            return self.head.output_indices(layout)
        return output_indices_M
