"""Learning question-answering: the token where the answer starts and the one where it ends (Devlin et al. 2018, 4.2).

A window that does not show the answer whole learns the sequence's first token for both (4.3), as do questions that
have no answer. Shapes: `T` packed tokens, `B` sequences.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import numpy as np
from torch import Tensor, nn

from bertkit.batching.training_batch import TrainingBatch
from bertkit.errors import InputError
from bertkit.labelled.examples import Example, References
from bertkit.model.encoder import Encoder
from bertkit.model.pooling import highest_within, log_softmax_within
from bertkit.objectives.contract import TaskTraining, TrainingOptions, ids_and_segments
from bertkit.objectives.objective import Loss, Objective
from bertkit.sampling.sample_stream import Sample
from bertkit.tasks.contract import Task
from bertkit.tokenization.windows import Encoded, Window

NO_ANSWER = 0  # the sequence's first token


class SpanObjective(Objective):
    """Cross entropy over the tokens of each sequence, the mean of start's and end's.

    Reads the targets `start_B` and `end_B`, counted from the sequence's first token.
    """

    name: ClassVar[str] = "question-answering"
    head_name: ClassVar[str | None] = "question-answering"

    def __init__(self, head: nn.Module) -> None:
        super().__init__()
        self.head: nn.Module = head

    def count(self, batch: TrainingBatch) -> int:
        """The sequences."""
        return len(batch.targets["start_B"])

    def forward(self, encoder: Encoder, hidden_TW: Tensor, batch: TrainingBatch) -> Loss:
        """The loss; its sums have `correct`: how many starts are the likeliest of their sequence."""
        layout = batch.tokens.layout
        logits_T2 = self.head(hidden_TW, layout, encoder)
        lengths_B = layout.lengths_B
        logs_T2 = log_softmax_within(logits_T2, lengths_B)
        start_B = layout.first_B + batch.targets["start_B"]
        end_B = layout.first_B + batch.targets["end_B"]
        total = -0.5 * (logs_T2[start_B, 0].sum() + logs_T2[end_B, 1].sum())
        best_B = highest_within(logs_T2[:, 0].detach(), lengths_B)
        return Loss(total, {"correct": (logs_T2[start_B, 0].detach() == best_B).sum().float()})


class SpanTraining(TaskTraining):
    """The first of a question's right answers, in each window of its context."""

    def samples(self, example: Example, encoded: Sequence[Encoded]) -> list[Sample]:
        """A sample for each window."""
        target = example.target
        if not isinstance(target, References):
            raise InputError(f"{example.row.place}: an answer is wanted", "Read questions with their answers.")
        # Some files of SQuAD v2.0 write that there is no answer as an answer without text.
        answers = zip(target.starts, target.texts, strict=True)
        span = next(((start, start + len(text)) for start, text in answers if text.strip()), None)
        samples = []
        for window in encoded[0].windows:
            start, end = (NO_ANSWER, NO_ANSWER) if span is None else place_of(span, window)
            targets = {"start_B": np.array([start], np.int64), "end_B": np.array([end], np.int64)}
            samples.append(Sample(*ids_and_segments([window]), targets))
        return samples

    def objective(self, head: nn.Module | None) -> SpanObjective:
        """The loss."""
        assert head is not None
        return SpanObjective(head)


def place_of(span: tuple[int, int], window: Window) -> tuple[int, int]:
    """The tokens of a window in which a span of the context starts and ends; `NO_ANSWER` twice where it shows less."""
    assert window.offsets is not None
    shown = [place for place in window.parts[-1] if window.offsets[place][0] < window.offsets[place][1]]
    inside = [place for place in shown if window.offsets[place][1] > span[0] and window.offsets[place][0] < span[1]]
    if not inside:
        return NO_ANSWER, NO_ANSWER
    first, last = inside[0], inside[-1]
    starts_here = window.offsets[first][0] <= span[0] or first != shown[0]
    ends_here = window.offsets[last][1] >= span[1] or last != shown[-1]
    return (first, last) if starts_here and ends_here else (NO_ANSWER, NO_ANSWER)


def learning(task: Task, options: TrainingOptions) -> TaskTraining:
    """How question-answering is learnt."""
    return SpanTraining()
