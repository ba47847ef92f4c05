"""Learning fill-mask from plain text: masked language modelling goes on (Gururangan et al. 2020, arXiv 2004.10964)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from torch import nn

from bertkit.labelled.examples import Example
from bertkit.model.heads import MaskedLMHead
from bertkit.objectives.contract import TaskTraining, TrainingOptions, ids_and_segments
from bertkit.objectives.masked_lm import MaskedLM
from bertkit.objectives.objective import Objective
from bertkit.sampling.sample_stream import Sample
from bertkit.tasks.contract import Task
from bertkit.tokenization.windows import Encoded


class MaskTraining(TaskTraining):
    """The text itself is what is learnt. Of a long text each token is in one window."""

    masked: ClassVar[bool] = True

    def samples(self, example: Example, encoded: Sequence[Encoded]) -> list[Sample]:
        """A sample for each window, without a target: which tokens are masked is drawn anew in each epoch."""
        return [Sample(*ids_and_segments([window]), {}) for window in encoded[0].windows]

    def objective(self, head: nn.Module | None) -> Objective:
        """The loss."""
        assert isinstance(head, MaskedLMHead)
        return MaskedLM(head)


def learning(task: Task, options: TrainingOptions) -> TaskTraining:
    """How fill-mask is learnt."""
    return MaskTraining()
