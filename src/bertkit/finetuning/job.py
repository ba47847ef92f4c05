"""What a job of fine-tuning or distillation is made of: the model that it begins with, what is learnt and measured."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from bertkit.metrics.task_scores import Scores
from bertkit.pretrained.checkpoint import Pretrained
from bertkit.tokenization.tokenizer import Tokenizer
from bertkit.training.evaluation import Evaluator

if TYPE_CHECKING:
    from bertkit.finetuning.training_data import FinetuningData


class ScoringEvaluator(Evaluator, Protocol):
    """Measures a model on the held-out examples.

    Attributes:
        scores: of the newest measurement, whole; None before the first.
    """

    scores: Scores | None


@dataclass(frozen=True)
class Job:
    """The parts of a job.

    Attributes:
        source: the checkpoint that learns.
        evaluator: of the held-out examples; the best checkpoint by its score is kept.
        sha256s: fingerprints of what must not change, besides the data, while the run goes on.
        keep: writes to the run's folder what was found out before it learns; the first rank calls it.
    """

    source: Pretrained
    tokenizer: Tokenizer
    data: FinetuningData
    evaluator: ScoringEvaluator
    sha256s: list[str] = field(default_factory=list)
    keep: Callable[[], None] = lambda: None
