"""What is trained: an encoder and the objectives over it, as one module with one forward pass.

Shapes: `T` packed tokens, `W` width.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

import torch
from torch import Tensor, nn

from bertkit.batching.training_batch import TrainingBatch
from bertkit.model.encoder import Encoder
from bertkit.tasks.objective import Objective

Outputs = dict[str, dict[str, Tensor]]


class Trainee(nn.Module):
    """An encoder and what it is to learn.

    Args:
        encoder: the encoder.
        objectives: by name; their heads are trained with it.
    """

    def __init__(self, encoder: Encoder, objectives: Mapping[str, Objective]) -> None:
        super().__init__()
        self.encoder = encoder
        self.objectives = nn.ModuleDict(objectives)

    def forward(self, batch: TrainingBatch) -> Outputs:
        """For each objective, sums over the micro-batch's targets: `loss`, and what else it measures, detached.

        Plain dictionaries of tensors, so that what wraps the module finds the tensors in them.
        """
        tokens = batch.tokens
        for objective in self.each():
            tokens = objective.inputs(tokens, batch)
        hidden_TW = self.encoder(tokens)
        outputs: Outputs = {}
        for objective in self.each():
            loss = objective(self.encoder, hidden_TW, batch)
            outputs[objective.name] = {"loss": loss.total, **loss.sums}
        return outputs

    def each(self) -> list[Objective]:
        """The objectives, in order."""
        return [cast(Objective, objective) for objective in self.objectives.values()]

    def counts(self, batch: TrainingBatch) -> list[int]:
        """How many targets each objective has in a micro-batch."""
        return [objective.count(batch) for objective in self.each()]


def weighted_loss(outputs: Outputs, scales: Mapping[str, float]) -> Tensor:
    """The number whose gradient is taken: each objective's sum times its scale, summed."""
    return torch.stack([outputs[name]["loss"] * scale for name, scale in scales.items()]).sum()
