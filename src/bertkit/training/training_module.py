"""What is trained: an encoder and its objectives (each a head and a loss), as one module with one forward pass.

Shapes: `T` packed tokens, `W` width.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, cast

import torch
from torch import Tensor, nn

from bertkit.batching.token_batch import TokenBatch
from bertkit.batching.training_batch import TrainingBatch
from bertkit.model.encoder import Encoder, in_their_places
from bertkit.objectives.objective import Objective

if TYPE_CHECKING:
    from bertkit.training.kept_states import KeptStates

Outputs = dict[str, dict[str, Tensor]]


class TrainingModule(nn.Module):
    """An encoder and what it is to learn.

    Args:
        encoder: the encoder.
        objectives: by name; their heads are trained with it.
        kept: of an encoder that does not learn: what it has given; None computes it each time.
    """

    def __init__(self, encoder: Encoder, objectives: Mapping[str, Objective], kept: KeptStates | None = None) -> None:
        super().__init__()
        self.encoder = encoder
        self.objectives = nn.ModuleDict(objectives)
        self.kept = kept

    def forward(self, batch: TrainingBatch) -> Outputs:
        """For each objective, sums over the micro-batch's targets: `loss`, and what else it measures, detached.

        Plain dictionaries of tensors, so that what wraps the module finds the tensors in them.
        """
        tokens = batch.tokens
        for objective in self.each():
            tokens = objective.inputs(tokens, batch)
        outputs: Outputs = {}
        for objective, hidden_TW in zip(self.each(), self._hidden(tokens, batch), strict=True):
            loss = objective(self.encoder, hidden_TW, batch)
            outputs[objective.name] = {"loss": loss.total, **loss.sums}
        return outputs

    def _hidden(self, tokens: TokenBatch, batch: TrainingBatch) -> list[Tensor]:
        """The hidden states for each objective, (T, W), in one pass."""
        wanted = [objective.output_indices(batch) for objective in self.each()]
        chosen = [output_indices_M for output_indices_M in wanted if output_indices_M is not None]
        if len(chosen) < len(wanted):
            return [self._encoded(tokens, None)] * len(wanted)
        # A token that two want is computed twice: to find out would mean to wait for the device.
        sizes = [len(output_indices_M) for output_indices_M in chosen]
        x_MW = self._encoded(tokens, torch.cat(chosen))
        return [
            in_their_places(part, output_indices_M, len(tokens.ids_T))
            for part, output_indices_M in zip(torch.split(x_MW, sizes), chosen, strict=True)
        ]

    def _encoded(self, tokens: TokenBatch, output_indices_M: Tensor | None) -> Tensor:
        if self.kept is not None:
            return self.kept(self.encoder, tokens, output_indices_M)
        hidden: Tensor = self.encoder(tokens, output_indices_M)
        return hidden

    def each(self) -> list[Objective]:
        """The objectives, in order."""
        return [cast(Objective, objective) for objective in self.objectives.values()]

    def counts(self, batch: TrainingBatch) -> list[int]:
        """How many targets each objective has in a micro-batch."""
        return [objective.count(batch) for objective in self.each()]


def weighted_loss(outputs: Outputs, scales: Mapping[str, float]) -> Tensor:
    """The number whose gradient is taken: each objective's sum times its scale, summed."""
    return torch.stack([outputs[name]["loss"] * scale for name, scale in scales.items()]).sum()
