"""From token ids to vectors: the sum of learned tables, normalised, brought to the width of the layers."""

from __future__ import annotations

from torch import Tensor, nn

from bertkit.batching.token_batch import TokenBatch
from bertkit.model.int8_table import Int8Table
from bertkit.model.positions import learned_rows


class Embeddings(nn.Module):
    """Token + segment + position (Devlin et al. 2018, figure 2), then norm, dropout and projection.

    Args:
        segment: None where the model has no segments.
        position: None where attention knows the positions.
        offset: row of the position table for the first token of a sequence; see `learned_rows`.
        norm, projection: Identity where the model has none.
    """

    def __init__(
        self,
        token: nn.Embedding | Int8Table,
        segment: nn.Embedding | None,
        position: nn.Embedding | Int8Table | None,
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

    def forward(self, batch: TokenBatch, counted_T: Tensor | None = None) -> Tensor:
        """The vector of each token, (T, W).

        Args:
            counted_T: ids by which positions are counted; the batch's own when left out.
        """
        x_TE: Tensor = self.token(batch.ids_T)
        if self.segment is not None:
            # A model with one segment has it everywhere, whatever its tokenizer says of pairs.
            only_one = self.segment.num_embeddings == 1
            x_TE = x_TE + (self.segment.weight[0] if only_one else self.segment(batch.segments_T))
        if self.position is not None:
            ids_T = batch.ids_T if counted_T is None else counted_T
            x_TE = x_TE + self.position(learned_rows(ids_T, batch.positions_T, self.offset))
        return self.projection(self.dropout(self.norm(x_TE)))  # type: ignore[no-any-return]
