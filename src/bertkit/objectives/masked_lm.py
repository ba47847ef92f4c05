"""Masked language modelling: the tokens that stood where some were masked (Devlin et al. 2018, 3.1)."""

from __future__ import annotations

from typing import ClassVar

from torch import Tensor

from bertkit.batching.training_batch import TrainingBatch
from bertkit.model.chunked_loss import HardTargets
from bertkit.model.encoder import Encoder
from bertkit.model.heads import MaskedLMHead
from bertkit.objectives.objective import Loss, Objective


class MaskedLM(Objective):
    """Cross entropy over the vocabulary, at the masked tokens only. Reads the targets `masked_M`, `masked_ids_M`."""

    name: ClassVar[str] = "fill-mask"
    head_name: ClassVar[str | None] = "masked-lm"

    def __init__(self, head: MaskedLMHead) -> None:
        super().__init__()
        self.head: MaskedLMHead = head

    def count(self, batch: TrainingBatch) -> int:
        """The masked tokens."""
        return len(batch.targets["masked_M"])

    def output_indices(self, batch: TrainingBatch) -> Tensor:
        """The masked tokens."""
        return batch.targets["masked_M"]

    def forward(self, encoder: Encoder, hidden_TW: Tensor, batch: TrainingBatch) -> Loss:
        """The loss; its sums have `correct`, the tokens that are predicted first."""
        hidden_MW = hidden_TW[batch.targets["masked_M"]]
        total, correct = self.head.loss(hidden_MW, encoder, HardTargets(batch.targets["masked_ids_M"]))
        return Loss(total, {"correct": correct})
