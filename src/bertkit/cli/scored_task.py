"""Which task is scored where nobody says: what the model's head does, or what the records of predictions hold."""

from __future__ import annotations

from bertkit.errors import UserError

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


def task_of(model: str | None, predictions: str | None) -> str:
    """The task of a model or of predictions, of which one is given.

    Raises:
        UserError: the predictions do not say.
        InputError: they cannot be read.
    """
    return task_of_predictions(predictions) if model is None and predictions is not None else task_of_model(model)


def task_of_model(model: str | None) -> str:
    """What `bertkit predict` does with this model without --task."""
    from bertkit.pretrained.loading import find_folder, open_pretrained

    return open_pretrained(find_folder(model)).tasks()[0]


def task_of_predictions(path: str) -> str:
    """The task whose answer the first record is; answers by their questions' ids are question-answering's."""
    from bertkit.cli.predictions import read_answers
    from bertkit.formats.files import STDIN

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
