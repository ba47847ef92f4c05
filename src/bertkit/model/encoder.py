"""The encoder: one class for every family. What varies is which parts it is made of; see `build_encoder`.

Shapes: `T` tokens, `B` sequences, `W` width, `M` tokens whose last hidden states are wanted.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from bertkit.batching.layout import Layout
from bertkit.batching.token_batch import TokenBatch
from bertkit.config.encoder import EncoderConfig
from bertkit.model.attention import View
from bertkit.model.embeddings import Embeddings
from bertkit.model.mlp import ACTIVATIONS
from bertkit.model.positions import DistanceBias, Rotation
from bertkit.model.shape_buckets import in_few_sizes

if TYPE_CHECKING:
    from bertkit.model.layers import Layer


class Pooler(nn.Module):
    """One vector a sequence: its first token, through a dense layer and tanh (Devlin et al. 2018)."""

    def __init__(self, dense: nn.Module) -> None:
        super().__init__()
        self.dense = dense

    def forward(self, hidden_TW: Tensor, layout: Layout) -> Tensor:
        """The pooled sequences, (B, W)."""
        return ACTIVATIONS["tanh"](self.dense(hidden_TW[layout.first_B]))


class Encoder(nn.Module):
    """Tokens in, one vector a token out.

    Args:
        layers: the layers that have weights of their own; `config.layer_of_step` says which one each step uses.
        distance_bias: None where attention scores know no distance.
        final_norm: Identity where there is none.
        pooler: None where the checkpoint has none.
    """

    def __init__(
        self,
        config: EncoderConfig,
        embeddings: Embeddings,
        layers: list[Layer],
        distance_bias: DistanceBias | None,
        final_norm: nn.Module,
        pooler: Pooler | None,
    ) -> None:
        super().__init__()
        self.config = config
        self.embeddings = embeddings
        self.layers = nn.ModuleList(layers)
        self.distance_bias = distance_bias
        self.final_norm = final_norm
        self.pooler = pooler

    def __repr__(self) -> str:
        """Its sizes in a line, not the tree of its modules; those are `named_modules()`."""
        config, table = self.config, self.embeddings.token.weight
        return (
            f"Encoder({len(config.layer_of_step)} layers, {config.heads} heads, width {config.width:,}, "
            f"vocabulary {config.vocab_size:,}, {str(table.dtype).removeprefix('torch.')} on {table.device})"
        )

    @in_few_sizes
    def forward(self, batch: TokenBatch, output_indices_M: Tensor | None = None) -> Tensor:
        """Hidden states of the last layer, (T, W), or those that are wanted, (M, W).

        Args:
            output_indices_M: the tokens whose hidden states anyone will read; None for all. What follows attention in
                the last layer, three quarters of its products, is computed for these only.
        """
        return self.from_vectors(self.embeddings(batch), batch, output_indices_M)

    def from_vectors(self, x_TW: Tensor, batch: TokenBatch, output_indices_M: Tensor | None = None) -> Tensor:
        """As `forward`, from vectors that stand in the place of the embeddings', (T, W)."""
        for layer, view in self._steps(batch, output_indices_M):
            x_TW = layer(x_TW, view)
        return self.final_norm(x_TW)  # type: ignore[no-any-return]

    def _steps(self, batch: TokenBatch, output_indices_M: Tensor | None) -> Iterator[tuple[nn.Module, View]]:
        """The layer of each step, and what it sees. Only what the last gives can be chosen: others are seen by all."""
        views = {sight: self.view(batch, sight) for sight in set(self.config.attention_pattern)}
        last = len(self.config.layer_of_step) - 1
        for step, layer in enumerate(self.config.layer_of_step):
            view = views[self.config.sight_of_step(step)]
            yield self.layers[layer], replace(view, outputs_M=output_indices_M) if step == last else view

    def hidden(self, batch: TokenBatch, output_indices_M: Tensor | None) -> Tensor:
        """As `forward`, each hidden state in the place of its token, (T, W): NaN where it is not wanted.

        Args:
            output_indices_M: no token twice.
        """
        x_MW: Tensor = self(batch, output_indices_M)
        return x_MW if output_indices_M is None else in_their_places(x_MW, output_indices_M, batch.ids_T.shape[0])

    def view(self, batch: TokenBatch, sight: str) -> View:
        """What attention sees in a step of this kind; made once for all such steps."""
        config = self.config
        rotation = None
        if config.rotary is not None:
            local = config.rotary.theta_local if sight == "L" else None
            rotation = Rotation(batch.positions_T, config.head_width, local or config.rotary.theta_global)
        return View(
            batch.layout,
            window=config.window_radius if sight == "L" else None,
            rotation=rotation,
            bias_NLL=self.distance_bias(batch.layout.max_length) if self.distance_bias is not None else None,
        )


def in_their_places(x_MW: Tensor, output_indices_M: Tensor, tokens: int) -> Tensor:
    """Rows in the places of the wanted tokens, (T, W), and NaN elsewhere, so that nobody reads it unnoticed.

    Args:
        output_indices_M: no place twice: the gradient would count twice.
    """
    return x_MW.new_full((tokens, x_MW.shape[1]), torch.nan).index_copy(0, output_indices_M.long(), x_MW)
