"""Learning text-ranking: binary cross entropy of each document's relevance (Nogueira and Cho 2019, section 3)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import numpy as np
from torch import Tensor, nn
from torch.nn import functional

from bertkit.batching.training_batch import TrainingBatch
from bertkit.errors import InputError
from bertkit.labelled.examples import Example
from bertkit.model.encoder import Encoder
from bertkit.model.heads import Head
from bertkit.objectives.contract import TaskTraining, TrainingOptions, ids_and_segments, whole
from bertkit.objectives.objective import Loss, Objective
from bertkit.sampling.sample_stream import Sample
from bertkit.tasks.contract import Task
from bertkit.tokenization.windows import Encoded


class RelevanceObjective(Objective):
    """The loss of a document's relevance. Reads the target `relevance_B`, in [0, 1]."""

    name: ClassVar[str] = "text-ranking"
    head_name: ClassVar[str | None] = "text-classification"

    def __init__(self, head: Head) -> None:
        super().__init__()
        self.head: Head = head

    def count(self, batch: TrainingBatch) -> int:
        """The documents."""
        return len(batch.targets["relevance_B"])

    def output_indices(self, batch: TrainingBatch) -> Tensor | None:
        """What the head reads."""
        return self.head.output_indices(batch.tokens.layout)

    def forward(self, encoder: Encoder, hidden_TW: Tensor, batch: TrainingBatch) -> Loss:
        """The loss."""
        logits_BC = self.head(hidden_TW, batch.tokens.layout, encoder).float()
        logits_B = logits_BC[:, -1] - (logits_BC[:, 0] if logits_BC.shape[1] == 2 else 0)
        relevance_B = batch.targets["relevance_B"]
        return Loss(functional.binary_cross_entropy_with_logits(logits_B, relevance_B, reduction="sum"))


class RelevanceTraining(TaskTraining):
    """Each document of a query by itself."""

    parts: ClassVar[str] = "documents"

    def samples(self, example: Example, encoded: Sequence[Encoded]) -> list[Sample]:
        """A sample for each document."""
        target = example.target
        if not isinstance(target, tuple) or not all(isinstance(one, float) and 0 <= one <= 1 for one in target):
            raise InputError(
                f"{example.row.place}: the relevance of each document is wanted, from 0 to 1",
                "Divide it by the highest.",
            )
        return [
            Sample(*ids_and_segments([window]), {"relevance_B": np.array([relevance], np.float32)})
            for window, relevance in zip(whole(example, encoded), target, strict=True)
        ]

    def objective(self, head: nn.Module | None) -> RelevanceObjective:
        """The loss."""
        assert isinstance(head, Head)
        return RelevanceObjective(head)


def learning(task: Task, options: TrainingOptions) -> TaskTraining:
    """How text-ranking is learnt."""
    return RelevanceTraining()
