"""Two parts in one sequence: does the second follow the first? Two objectives that differ in what stands second."""

from __future__ import annotations

from typing import ClassVar

from torch import Tensor
from torch.nn import functional

from bertkit.batching.training_batch import TrainingBatch
from bertkit.model.encoder import Encoder
from bertkit.model.heads import Head
from bertkit.objectives.objective import Loss, Objective


class SentencePair(Objective):
    """Cross entropy of two classes, one row a sequence. Reads the target `second_B`."""

    def __init__(self, head: Head) -> None:
        super().__init__()
        self.head: Head = head

    def count(self, batch: TrainingBatch) -> int:
        """The sequences."""
        return len(batch.targets["second_B"])

    def output_indices(self, batch: TrainingBatch) -> Tensor | None:
        """What the head reads."""
        return self.head.output_indices(batch.tokens.layout)

    def forward(self, encoder: Encoder, hidden_TW: Tensor, batch: TrainingBatch) -> Loss:
        """The loss; its sums have `correct`."""
        second_B = batch.targets["second_B"]
        logits_B2 = self.head(hidden_TW, batch.tokens.layout, encoder).float()
        total = functional.cross_entropy(logits_B2, second_B, reduction="sum")
        return Loss(total, {"correct": (logits_B2.detach().argmax(dim=-1) == second_B).sum().float()})


class NextSentence(SentencePair):
    """Is the second part the first's own continuation, or another document's text? (Devlin et al. 2018, 3.1)"""

    name: ClassVar[str] = "next-sentence-prediction"
    head_name: ClassVar[str | None] = "next-sentence"


class SentenceOrder(SentencePair):
    """Are the two parts in the order of their document, or swapped? (Lan et al. 2019, 3.1)"""

    name: ClassVar[str] = "sentence-order-prediction"
    head_name: ClassVar[str | None] = "sentence-order"
