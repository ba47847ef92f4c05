"""From token ids to vectors: token + position + segment, normalised."""

from __future__ import annotations

from torch import Tensor, nn

from bertkit.batching.token_batch import TokenBatch


class Embeddings(nn.Module):
    """The sum of three learned tables (Devlin et al. 2018, figure 2), then norm and dropout."""

    def __init__(
        self, token: nn.Embedding, position: nn.Embedding, segment: nn.Embedding, norm: nn.Module, dropout: nn.Module
    ) -> None:
        super().__init__()
        self.token = token
        self.position = position
        self.segment = segment
        self.norm = norm
        self.dropout = dropout

    def forward(self, batch: TokenBatch) -> Tensor:
        """The vector of each token, (T, W)."""
        x_TW = self.token(batch.ids_T) + self.segment(batch.segments_T) + self.position(batch.positions_T)
        return self.dropout(self.norm(x_TW))  # type: ignore[no-any-return]
