"""From token ids to vectors: the sum of learned tables, normalised, brought to the width of the layers."""

from __future__ import annotations

from torch import Tensor, nn

from bertkit.batching.token_batch import TokenBatch


class Embeddings(nn.Module):
    """Token + segment + position (Devlin et al. 2018, figure 2), then norm, dropout and projection.

    Args:
        segment: None where the model has no segments.
        position: None where attention knows the positions.
        offset: row of the position table for the first token of a sequence.
        norm, projection: Identity where the model has none.
    """

    def __init__(
        self,
        token: nn.Embedding,
        segment: nn.Embedding | None,
        position: nn.Embedding | None,
        offset: int,
        norm: nn.Module,
        dropout: nn.Module,
        projection: nn.Module,
    ) -> None:
        super().__init__()
        self.token = token
        self.segment = segment
        self.position = position
        self.offset = offset
        self.norm = norm
        self.dropout = dropout
        self.projection = projection

    def forward(self, batch: TokenBatch) -> Tensor:
        """The vector of each token, (T, W)."""
        x_TE: Tensor = self.token(batch.ids_T)
        if self.segment is not None:
            # A model with one segment has it everywhere, whatever its tokenizer says of pairs.
            only_one = self.segment.num_embeddings == 1
            x_TE = x_TE + (self.segment.weight[0] if only_one else self.segment(batch.segments_T))
        if self.position is not None:
            x_TE = x_TE + self.position(batch.positions_T + self.offset)
        return self.projection(self.dropout(self.norm(x_TE)))  # type: ignore[no-any-return]
