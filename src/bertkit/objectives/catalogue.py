"""How each task is learnt, by its name."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from bertkit.errors import UserError, near_match
from bertkit.labelled.pair_texts import PairTexts
from bertkit.model.soft_labels import SoftLabels
from bertkit.objectives.contract import Learning
from bertkit.objectives.fill_mask import MaskLearning
from bertkit.objectives.masked_lm import MaskedLM
from bertkit.objectives.multiple_choice import ChoiceLearning
from bertkit.objectives.question_answering import SpanLearning
from bertkit.objectives.sentence_embedding import PairLearning
from bertkit.objectives.text_classification import LabelLearning
from bertkit.objectives.text_ranking import RelevanceLearning
from bertkit.objectives.token_classification import TagLearning
from bertkit.tasks.contract import Task
from bertkit.tasks.fill_mask import FillMask
from bertkit.tasks.multiple_choice import MultipleChoice
from bertkit.tasks.question_answering import QuestionAnswering
from bertkit.tasks.sentence_embedding import SentenceEmbedding
from bertkit.tasks.text_classification import TextClassification
from bertkit.tasks.text_ranking import TextRanking
from bertkit.tasks.token_classification import TokenClassification


@dataclass(frozen=True, slots=True)
class LearningOptions:
    """What may be chosen about learning; a task reads its own.

    Attributes:
        class_weights: by label, what an example of it counts.
        smoothing: share of the probability that is spread over all labels.
        scores: which scores of pairs are the cosines 0 and 1; None where pairs have none.
        dimensions: shorter vectors that are learnt as well.
        teacher: how a teacher's numbers are learnt, which samples then have.
        pairs: the texts of pairs without scores, and which belong together.
    """

    class_weights: Mapping[str, float] | None = None
    smoothing: float = 0.0
    scores: tuple[float, float] | None = None
    dimensions: Sequence[int] = ()
    teacher: SoftLabels | None = None
    pairs: PairTexts | None = None


def _pairs(task: Task, options: LearningOptions) -> Learning:
    assert isinstance(task, SentenceEmbedding)
    return PairLearning(task.prompt, options.dimensions, options.scores or options.pairs)


def _labels(task: Task, options: LearningOptions) -> Learning:
    assert isinstance(task, TextClassification)
    return LabelLearning(task.labels, task.problem, options.class_weights, options.smoothing, options.teacher)


LEARNINGS: Mapping[str, Callable[[Task, LearningOptions], Learning]] = {
    TextClassification.name: _labels,
    TokenClassification.name: lambda task, options: TagLearning(task.labels, options.teacher),
    QuestionAnswering.name: lambda task, options: SpanLearning(),
    SentenceEmbedding.name: _pairs,
    TextRanking.name: lambda task, options: RelevanceLearning(),
    MultipleChoice.name: lambda task, options: ChoiceLearning(),
    FillMask.name: lambda task, options: MaskLearning(MaskedLM),
}


def check_learnt(name: str) -> None:
    """Refuse a task that cannot be fine-tuned.

    Raises:
        UserError: naming the nearest one that can.
    """
    if name not in LEARNINGS:
        raise UserError(
            f"{name!r} cannot be fine-tuned{near_match(name, LEARNINGS)}", f"Choose one of {', '.join(LEARNINGS)}."
        )
