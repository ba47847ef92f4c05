"""A network as programs elsewhere call it: rows of ids, filled up with padding, to outputs with names.

Shapes: `B` texts, `L` tokens of a row, `C` numbers of a head, `W` width.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from bertkit.batching.layout import PaddedLayout
from bertkit.batching.token_batch import TokenBatch
from bertkit.config.readout import Final
from bertkit.exports.outputs import END, HIDDEN, IDS, LOGITS, MASK, SCORES, SEGMENTS, SPANS, START, TOKENS, VECTOR
from bertkit.model.heads import Head, MaskedLMHead
from bertkit.model.network import Network
from bertkit.model.vector_steps import ACTIVATIONS, RecipeHead, normalise

EXAMPLE = (2, 8)  # texts and tokens that a network is traced with; either may be any number after that


@dataclass(frozen=True, slots=True)
class Signature:
    """What a program takes and gives, by names.

    Attributes:
        inputs: each (B, L) of int64.
        outputs: their first axis is B, and the second, where rows are of tokens, L.
    """

    inputs: tuple[str, ...]
    outputs: tuple[str, ...]


class PaddedNetwork(nn.Module):
    """The network over tensors (B, L), with what the task makes of its outputs.

    Args:
        network: float32, in evaluation mode.
        final: what a task makes of the outputs of one text; None for nothing.
    """

    def __init__(self, network: Network, final: Final | None) -> None:
        super().__init__()
        self.network = network
        self.final = final

    @property
    def signature(self) -> Signature:
        """Segments are taken by models that know more than one."""
        segment = self.network.encoder.embeddings.segment
        segments = (SEGMENTS,) if segment is not None and segment.num_embeddings > 1 else ()
        return Signature((IDS, MASK, *segments), self._outputs)

    @property
    def _outputs(self) -> tuple[str, ...]:
        readout, head = self.network.readout, self.network.head
        if readout.pooling:
            assert isinstance(head, RecipeHead)
            return (HIDDEN, *((TOKENS,) if head.recipe.before else ()), VECTOR)
        if head is None:
            return (HIDDEN,)
        if readout.head == SPANS:
            return (START, END)
        return (LOGITS,) if self.final is None else (LOGITS, SCORES)

    def example(self) -> tuple[Tensor, ...]:
        """Inputs to trace it with, each a tensor of its own: the same one twice would be traced as one input."""
        return tuple(torch.ones(EXAMPLE, dtype=torch.long) for _ in self.signature.inputs)

    def forward(self, input_ids: Tensor, attention_mask: Tensor, token_type_ids: Tensor | None = None) -> list[Tensor]:
        """The outputs, in the order of the signature, float32."""
        segments_BL = torch.zeros_like(input_ids) if token_type_ids is None else token_type_ids
        batch = TokenBatch.of_rows(input_ids, segments_BL, attention_mask)
        readout, head = self.network.readout, self.network.head
        if readout.pooling:
            return self._vectors(batch, input_ids.shape)
        if head is None:
            return [self._rows(self.network.encoder(batch), input_ids.shape)]
        logits_RC = self._logits(head, batch)
        if readout.rows != "sequence":
            logits_RC = self._rows(logits_RC, input_ids.shape)
        if readout.head == SPANS:
            return [part.squeeze(-1) for part in logits_RC.split(1, dim=-1)]  # type: ignore[no-untyped-call]
        return [logits_RC] if self.final is None else [logits_RC, self._finished(logits_RC, self.final)]

    def _logits(self, head: nn.Module, batch: TokenBatch) -> Tensor:
        encoder = self.network.encoder
        if isinstance(head, MaskedLMHead):
            return head(encoder(batch), encoder)  # type: ignore[no-any-return]
        first_B = head.output_indices(batch.layout) if isinstance(head, Head) else None
        if first_B is None:
            return head(encoder(batch), batch.layout, encoder)  # type: ignore[no-any-return]
        # Only the first token of each text is read: they stand in rows of one token, and no others are computed.
        alone = PaddedLayout.of(first_B[:, None] >= 0)
        return head(encoder(batch, first_B), alone, encoder)  # type: ignore[no-any-return]

    def _vectors(self, batch: TokenBatch, shape: torch.Size) -> list[Tensor]:
        head = self.network.head
        assert isinstance(head, RecipeHead)
        assert self.final is not None
        hidden_TW = self.network.encoder(batch)
        vector_BW = self._finished(head(hidden_TW, batch.layout, self.network.encoder), self.final)
        tokens = [self._rows(head.recipe.tokens(hidden_TW), shape)] if head.recipe.before else []
        return [self._rows(hidden_TW, shape), *tokens, vector_BW]

    @staticmethod
    def _rows(x_TC: Tensor, shape: torch.Size) -> Tensor:
        """(T, C) to (B, L, C)."""
        return x_TC.unflatten(0, shape)  # type: ignore[no-untyped-call, no-any-return]

    @staticmethod
    def _finished(x_RC: Tensor, final: Final) -> Tensor:
        x_RC = x_RC if final.temperature == 1.0 else x_RC / final.temperature
        if final.activation == "softmax":
            x_RC = torch.softmax(x_RC, dim=-1)
        elif final.activation == "length":
            x_RC = normalise(x_RC)
        else:
            x_RC = ACTIVATIONS[final.activation](x_RC)
        return x_RC if final.cut is None else x_RC[..., : final.cut]
