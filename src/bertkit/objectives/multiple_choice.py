"""Learning multiple-choice: cross entropy over the choices of each text (Devlin et al. 2018, section 4.4)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import numpy as np
from torch import Tensor, nn

from bertkit.batching.training_batch import TrainingBatch
from bertkit.errors import InputError
from bertkit.labelled.examples import Example
from bertkit.model.encoder import Encoder
from bertkit.model.heads import Head
from bertkit.model.pooling import highest_within, log_softmax_within
from bertkit.objectives.contract import TaskTraining, TrainingOptions, ids_and_segments, whole
from bertkit.objectives.objective import Loss, Objective
from bertkit.sampling.sample_stream import Sample
from bertkit.tasks.contract import Task
from bertkit.tokenization.windows import Encoded


class ChoiceObjective(Objective):
    """The loss of the right choice. Reads, for each text, `choices_S`, how many it has, and `right_S`, its place."""

    name: ClassVar[str] = "multiple-choice"
    head_name: ClassVar[str | None] = "multiple-choice"

    def __init__(self, head: Head) -> None:
        super().__init__()
        self.head: Head = head

    def count(self, batch: TrainingBatch) -> int:
        """The texts."""
        return len(batch.targets["right_S"])

    def output_indices(self, batch: TrainingBatch) -> Tensor | None:
        """What the head reads."""
        return self.head.output_indices(batch.tokens.layout)

    def forward(self, encoder: Encoder, hidden_TW: Tensor, batch: TrainingBatch) -> Loss:
        """The loss; its sums have `correct`."""
        choices_S, right_S = batch.targets["choices_S"], batch.targets["right_S"]
        logits_B = self.head(hidden_TW, batch.tokens.layout, encoder)[:, 0]
        logs_B = log_softmax_within(logits_B, choices_S)
        first_S = choices_S.cumsum(0) - choices_S
        right = logs_B[first_S + right_S]
        best = highest_within(logs_B.detach(), choices_S)
        return Loss(-right.sum(), {"correct": (right.detach() == best).sum().float()})


class ChoiceTraining(TaskTraining):
    """All choices of a text together, each in one window."""

    def samples(self, example: Example, encoded: Sequence[Encoded]) -> list[Sample]:
        """One sample: a sequence for each choice."""
        if not isinstance(example.target, int):
            raise InputError(f"{example.row.place}: the place of the right choice is wanted", "Name its column.")
        windows = whole(example, encoded)
        targets = {"choices_S": np.array([len(windows)], np.int64), "right_S": np.array([example.target], np.int64)}
        return [Sample(*ids_and_segments(windows), targets)]

    def objective(self, head: nn.Module | None) -> ChoiceObjective:
        """The loss."""
        assert isinstance(head, Head)
        return ChoiceObjective(head)


def learning(task: Task, options: TrainingOptions) -> TaskTraining:
    """How multiple-choice is learnt."""
    return ChoiceTraining()
