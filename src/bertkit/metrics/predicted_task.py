"""Which task a file of predictions answers, by what its records hold."""

from __future__ import annotations

from bertkit.errors import UserError
from bertkit.formats.files import STDIN
from bertkit.metrics.prediction_files import read_answers
from bertkit.tasks.catalogue import TASKS

ANSWERS_BY_ID = "question-answering"  # what files of answers by ids are, as SQuAD's scripts read them
SAY_IT = "Say what was predicted with --task, e.g. --task text-classification."


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
        return ANSWERS_BY_ID
    records = [one.record for one in found if "error" not in one.record]
    tasks = {name for name, spec in TASKS.items() if records and not records[0].keys().isdisjoint(spec.records)}
    if len(tasks) != 1:
        raise UserError(f"{path}: the predictions do not say what was predicted", SAY_IT)
    return tasks.pop()
