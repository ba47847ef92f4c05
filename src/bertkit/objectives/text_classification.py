"""Learning text-classification: cross entropy, a binary one for each label, or the squared error of a number.

Shapes: `B` sequences, `C` labels.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from bertkit.batching.training_batch import TrainingBatch
from bertkit.errors import InputError, UserError, near_match
from bertkit.families.labels import FITTED, Fitted, Problem
from bertkit.labelled.examples import Example, Target
from bertkit.model.encoder import Encoder
from bertkit.model.heads import Head
from bertkit.model.pooling import mean_tokens
from bertkit.model.soft_labels import SoftLabels
from bertkit.objectives.contract import TaskTraining, TrainingOptions, ids_and_segments
from bertkit.objectives.objective import Loss, Objective
from bertkit.sampling.sample_stream import Sample
from bertkit.tasks.contract import Task
from bertkit.tasks.text_classification import TextClassification
from bertkit.tokenization.windows import Encoded


class LabelObjective(Objective):
    """The loss of a text's label. Reads the target `label_B`: ids; `(B, C)` of 0 and 1; or numbers.

    With a teacher it reads `teacher_RC` too, its logits of each sequence.

    Args:
        head: gives logits, (B, C).
        class_weights: what an example of each label counts; None where all count 1. Single-label only.
        smoothing: share of the probability that is spread over all labels (Szegedy et al. 2015). Single-label only.
        teacher: how its numbers are learnt; None where there is none.
    """

    name: ClassVar[str] = "text-classification"
    head_name: ClassVar[str | None] = "text-classification"

    def __init__(
        self,
        head: Head,
        problem: Problem,
        class_weights: Sequence[float] | None,
        smoothing: float,
        teacher: SoftLabels | None = None,
    ) -> None:
        super().__init__()
        self.head: Head = head
        self.problem = problem
        self.smoothing = smoothing
        self.teacher = teacher
        weights_C = None if class_weights is None else torch.tensor(class_weights)
        self.register_buffer("class_weights", weights_C, persistent=False)

    def count(self, batch: TrainingBatch) -> int:
        """The sequences."""
        return len(batch.targets["label_B"])

    def output_indices(self, batch: TrainingBatch) -> Tensor | None:
        """What the head reads."""
        return self.head.output_indices(batch.tokens.layout)

    @property
    def fitted(self) -> Fitted:
        """By the problem."""
        return FITTED[self.problem]

    def to_fit(self, encoder: Encoder, hidden_TW: Tensor, batch: TrainingBatch) -> tuple[Tensor, Tensor]:
        """A row a sequence, (B, W) and (B, C); labels weighted and smoothed as the loss has them."""
        layout, label_B = batch.tokens.layout, batch.targets["label_B"]
        rows_RW = self.head.features(hidden_TW, layout, encoder)
        rows_BW = mean_tokens(rows_RW, layout) if self.head.reads == "late" else rows_RW
        if self.problem != "single-label":
            return rows_BW, label_B.reshape(len(rows_BW), -1)
        classes, weights_C = self.head.classes, self.class_weights
        label_BC = functional.one_hot(label_B, classes) * (1.0 - self.smoothing) + self.smoothing / classes
        assert weights_C is None or isinstance(weights_C, Tensor)
        return rows_BW, label_BC if weights_C is None else label_BC * weights_C

    def forward(self, encoder: Encoder, hidden_TW: Tensor, batch: TrainingBatch) -> Loss:
        """The loss; its sums have `correct`, where there is a right and a wrong, or a teacher to agree with."""
        logits_BC = self.head(hidden_TW, batch.tokens.layout, encoder).float()
        loss = self._of_labels(logits_BC, batch.targets["label_B"])
        if self.teacher is None:
            return loss
        teacher_BC = batch.targets["teacher_RC"]
        return Loss(self.teacher.mix(loss.total, logits_BC, teacher_BC), self.teacher.sums(logits_BC, teacher_BC))

    def _of_labels(self, logits_BC: Tensor, label_B: Tensor) -> Loss:
        if self.problem == "regression":
            return Loss(functional.mse_loss(logits_BC[:, 0], label_B, reduction="sum"))
        if self.problem == "multi-label":
            losses_BC = functional.binary_cross_entropy_with_logits(logits_BC, label_B, reduction="none")
            return Loss(losses_BC.mean(dim=1).sum())
        weights_C = self.class_weights
        assert weights_C is None or isinstance(weights_C, Tensor)
        total = functional.cross_entropy(
            logits_BC, label_B, weight=weights_C, label_smoothing=self.smoothing, reduction="sum"
        )
        return Loss(total, {"correct": (logits_BC.detach().argmax(dim=-1) == label_B).sum().float()})


class LabelTraining(TaskTraining):
    """A label, labels or a number for a text. Of a long text every window learns the text's label.

    Args:
        labels: in the order of the head's numbers.

    Raises:
        UserError: a regression of several numbers: an example has one.
    """

    def __init__(
        self,
        labels: Sequence[str],
        problem: Problem,
        class_weights: Mapping[str, float] | None = None,
        smoothing: float = 0.0,
        teacher: SoftLabels | None = None,
    ) -> None:
        if problem == "regression" and len(labels) != 1:
            raise UserError(f"a regression with {len(labels)} outputs is not learnt here", "Choose one with one.")
        self._ids = {label: id for id, label in enumerate(labels)}
        self._problem = problem
        self._class_weights = class_weights
        self._smoothing = smoothing
        self._teacher = teacher

    def samples(self, example: Example, encoded: Sequence[Encoded]) -> list[Sample]:
        """A sample for each window."""
        label = self._label(example)
        return [Sample(*ids_and_segments([window]), {"label_B": label}) for window in encoded[0].windows]

    def objective(self, head: nn.Module | None) -> LabelObjective:
        """The loss of the problem."""
        assert isinstance(head, Head)
        weights = self._class_weights
        each = None if weights is None else [weights.get(label, 1.0) for label in self._ids]
        return LabelObjective(head, self._problem, each, self._smoothing, self._teacher)

    def _label(self, example: Example) -> np.ndarray[tuple[int, ...], np.dtype[np.generic]]:
        target = example.target
        if self._problem == "regression":
            if not isinstance(target, float):
                raise _other_kind(example, "a number")
            return np.array([target], np.float32)
        if self._problem == "multi-label":
            if not isinstance(target, tuple):
                raise _other_kind(example, "a list of labels")
            row_1C = np.zeros((1, len(self._ids)), np.float32)
            for label in target:
                row_1C[0, self._id(str(label), example)] = 1.0
            return row_1C
        if not isinstance(target, str):
            raise _other_kind(example, "a label")
        return np.array([self._id(target, example)], np.int64)

    def _id(self, label: str, example: Example) -> int:
        if label not in self._ids:
            raise InputError(
                f"{example.row.place}: the label {label!r} is not one of the model's{near_match(label, self._ids)}",
                f"The labels are {', '.join(self._ids)}.",
            )
        return self._ids[label]


def _other_kind(example: Example, wanted: str) -> InputError:
    return InputError(
        f"{example.row.place}: the label is {example.target!r}, not {wanted}",
        "Choose another --problem, or the column.",
    )


def learning(task: Task, options: TrainingOptions) -> TaskTraining:
    """How text-classification is learnt."""
    assert isinstance(task, TextClassification)
    return LabelTraining(task.labels, task.problem, options.class_weights, options.smoothing, options.teacher)


def blank(task: Task, example: Example) -> Target:
    """What stands in the place of a label that nobody has given, where a teacher is learnt from; it counts nothing."""
    blanks: dict[str | None, Target] = {"single-label": task.labels[0], "multi-label": (), "regression": 0.0}
    return blanks[task.problem]
