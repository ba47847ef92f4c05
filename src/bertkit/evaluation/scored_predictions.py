"""Answers that are in a file, whoever made them, scored. Torch-free."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bertkit.errors import UserError
from bertkit.families.labels import Problem
from bertkit.formats.notes import Note, unheard
from bertkit.labelled.examples import Example
from bertkit.metrics.prediction_files import read_answers, read_no_answer_scores, read_records
from bertkit.metrics.results import Predictions
from bertkit.metrics.task_scores import Scores, score_answers, score_results
from bertkit.tasks.catalogue import find_spec


@dataclass(frozen=True, slots=True)
class ScoredAnswers:
    """Answers and their scores.

    Attributes:
        examples: that were answered, tags of words in IOB2.
        problem: that a classifier of texts answers for; None where a file does not say, and of other tasks.
    """

    answers: Predictions
    scores: Scores
    examples: Sequence[Example]
    problem: Problem | None = None


def scored_predictions(
    path: str,
    task: str,
    problem: Problem | None,
    examples: Sequence[Example],
    no_answer_scores: str | None = None,
    note: Note = unheard,
) -> ScoredAnswers:
    """The answers in a file, in the order of the examples or by their ids.

    Args:
        no_answer_scores: a file that says how probable it is that a question has no answer.
        note: takes a line where questions have no prediction.

    Raises:
        UserError, InputError: as the files are, or as the answers cannot be scored.
    """
    found = read_answers(path) if find_spec(task).by_id and examples else read_records(path)
    if not isinstance(found, Mapping):
        if no_answer_scores is not None:
            raise UserError("--no-answer-scores with records, which have their own", "Leave it out.")
        return ScoredAnswers(found, score_results(task, problem, found, examples, None), examples)
    no_answer = None if no_answer_scores is None else read_no_answer_scores(no_answer_scores)
    scores = score_answers(found, examples, no_answer)
    missing = sum(example.id not in found for example in examples)
    if missing:
        note(f"{missing:,} of {len(examples):,} questions have no prediction; each counts 0")
    return ScoredAnswers(found, scores, examples)
