"""What a student learns from a teacher (Sanh et al. 2019, arXiv 1910.01108): its predictions, and its hidden states.

Two objectives, because their sums have different counts; masked language modelling is the third part of the paper's
loss, and an objective of its own. The teacher reads the same masked tokens as the student, segments included.
"""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import Tensor
from torch.nn import functional

from bertkit.batching.training_batch import TrainingBatch
from bertkit.errors import ConfigError
from bertkit.model.chunked_loss import SoftTargets
from bertkit.model.encoder import Encoder
from bertkit.model.heads import MaskedLMHead
from bertkit.objectives.objective import Loss, Objective


class Teacher:
    """A finished model. It is no module, so that no optimiser, checkpoint or change of mode reaches it.

    Args:
        encoder, head: on the device of the run; they are made to stay as they are.
    """

    def __init__(self, encoder: Encoder, head: MaskedLMHead) -> None:
        self.encoder = encoder.eval().requires_grad_(False)
        self.head = head.eval().requires_grad_(False)
        self._batch: TrainingBatch | None = None
        self._hidden_TW: Tensor | None = None

    @torch.no_grad()
    def hidden(self, batch: TrainingBatch) -> Tensor:
        """Its hidden states, (T, W); computed once for all who ask about one micro-batch."""
        if self._hidden_TW is None or self._batch is not batch:
            self._batch, self._hidden_TW = batch, self.encoder(batch.tokens)
        return self._hidden_TW

    def forget(self) -> None:
        """Let go of the last hidden states."""
        self._batch = self._hidden_TW = None

    @torch.no_grad()
    def logits(self, hidden_RW: Tensor) -> Tensor:
        """Its predictions for some of its hidden states, (R, V)."""
        return self.head(hidden_RW, self.encoder)  # type: ignore[no-any-return]


class TeacherPredictions(Objective):
    """Divergence from the teacher's softened distribution, times the temperature's square.

    Args:
        head: the student's; shared with masked language modelling where the run has that too.
        only_masked: at masked tokens; at every token otherwise, as the authors' program does unless told.
    """

    name: ClassVar[str] = "teacher-predictions"
    head_name: ClassVar[str | None] = "masked-lm"

    def __init__(self, head: MaskedLMHead, teacher: Teacher, temperature: float, only_masked: bool = False) -> None:
        super().__init__()
        self.head: MaskedLMHead = head
        self.teacher = teacher
        self.temperature = temperature
        self.only_masked = only_masked

    def forget(self) -> None:
        """Let go of the teacher's hidden states."""
        self.teacher.forget()

    def count(self, batch: TrainingBatch) -> int:
        """The tokens whose distribution is learnt."""
        return len(batch.targets["masked_M"] if self.only_masked else batch.tokens.ids_T)

    def forward(self, encoder: Encoder, hidden_TW: Tensor, batch: TrainingBatch) -> Loss:
        """The loss; its sums have `correct`, the tokens that student and teacher predict alike."""
        theirs = self.teacher.hidden(batch)
        if self.only_masked:
            masked_M = batch.targets["masked_M"]
            hidden_TW, theirs = hidden_TW[masked_M], theirs[masked_M]
        criterion = SoftTargets(lambda rows: self.teacher.logits(theirs[rows]), self.temperature)
        total, correct = self.head.loss(hidden_TW, encoder, criterion)
        return Loss(total, {"correct": correct})


class TeacherDirections(Objective):
    """One less the cosine between the student's and the teacher's last hidden state, at every token."""

    name: ClassVar[str] = "teacher-directions"
    head_name: ClassVar[str | None] = None
    head = None

    def __init__(self, teacher: Teacher) -> None:
        super().__init__()
        self.teacher = teacher

    def forget(self) -> None:
        """Let go of the teacher's hidden states."""
        self.teacher.forget()

    def count(self, batch: TrainingBatch) -> int:
        """All tokens."""
        return len(batch.tokens.ids_T)

    def forward(self, encoder: Encoder, hidden_TW: Tensor, batch: TrainingBatch) -> Loss:
        """The loss."""
        cosine_T = functional.cosine_similarity(hidden_TW.float(), self.teacher.hidden(batch).float(), dim=-1)
        return Loss((1.0 - cosine_T).sum())


def check_teacher(teacher: Encoder, student: Encoder, *, directions: bool) -> None:
    """Refuse a teacher that this student cannot learn from.

    Args:
        directions: whether hidden states are compared, which needs one width.

    Raises:
        ConfigError: vocabularies or widths differ.
    """
    theirs, ours = teacher.config, student.config
    if theirs.vocab_size != ours.vocab_size:
        raise ConfigError(
            f"the teacher has {theirs.vocab_size} tokens, the student {ours.vocab_size}",
            "Make the shards with the teacher's tokenizer.",
        )
    if directions and theirs.width != ours.width:
        raise ConfigError(
            f"the teacher's hidden states are {theirs.width} wide, the student's {ours.width}",
            "Give the student the teacher's width, or set train.distillation.cosine to 0.",
        )
