"""The tasks that bertkit knows, one line each."""

from __future__ import annotations

from bertkit.errors import UserError, near_match
from bertkit.tasks.contract import Task
from bertkit.tasks.feature_extraction import FeatureExtraction
from bertkit.tasks.fill_mask import FillMask
from bertkit.tasks.multiple_choice import MultipleChoice
from bertkit.tasks.next_sentence_prediction import NextSentencePrediction
from bertkit.tasks.question_answering import QuestionAnswering
from bertkit.tasks.sentence_embedding import SentenceEmbedding
from bertkit.tasks.text_classification import TextClassification
from bertkit.tasks.text_ranking import TextRanking
from bertkit.tasks.token_classification import TokenClassification
from bertkit.tasks.zero_shot_classification import ZeroShotClassification

TASKS: dict[str, type[Task]] = {
    task.name: task
    for task in (
        FeatureExtraction,
        SentenceEmbedding,
        FillMask,
        NextSentencePrediction,
        TextClassification,
        TextRanking,
        ZeroShotClassification,
        TokenClassification,
        QuestionAnswering,
        MultipleChoice,
    )
}


def find_task(name: str) -> type[Task]:
    """The task called `name`.

    Raises:
        UserError: naming the nearest one.
    """
    if name not in TASKS:
        raise UserError(f"unknown task {name!r}{near_match(name, TASKS)}", f"Choose one of {', '.join(TASKS)}.")
    return TASKS[name]
