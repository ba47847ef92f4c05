"""Which task a file of predictions answers, by what its records hold."""

from __future__ import annotations

from bertkit.errors import UserError
from bertkit.formats.files import STDIN
from bertkit.metrics.prediction_files import read_answers

SAY_IT = "Say what was predicted with --task, e.g. --task text-classification."
# Of what a record answers, the task that it is scored as.
ANSWERED = {
    "labels": "text-classification",
    "value": "text-classification",
    "entities": "token-classification",
    "answers": "question-answering",
    "ranking": "text-ranking",
    "choices": "multiple-choice",
    "is_next": "next-sentence-prediction",
}


def task_of_predictions(path: str) -> str:
    """The task whose answer the first record is; answers by their questions' ids are question-answering's.

    Raises:
        UserError: the predictions do not say.
        InputError: they cannot be read.
    """
    if path == STDIN:
        raise UserError("predictions from standard input are read once, by the task that scores them", SAY_IT)
    found = read_answers(path)
    if not isinstance(found, list):
        return "question-answering"
    records = [one.record for one in found if "error" not in one.record]
    tasks = {ANSWERED[name] for name in records[0] if name in ANSWERED} if records else set()
    if len(tasks) != 1:
        raise UserError(f"{path}: the predictions do not say what was predicted", SAY_IT)
    return tasks.pop()
