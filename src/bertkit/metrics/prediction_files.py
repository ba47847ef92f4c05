"""Files of predictions: the records of `bertkit predict --json`, or SQuAD's answers by the questions' ids."""

from __future__ import annotations

from collections.abc import Mapping

from bertkit.errors import InputError
from bertkit.formats.files import name_of, open_bytes
from bertkit.formats.json_file import read_json
from bertkit.formats.jsonl import read_jsonl
from bertkit.metrics.results import Prediction

RECORDS = "Write one record a line, as `bertkit predict --json` does."
BY_ID = 'Write one JSON object, {"id of a question": "answer", …}, or a record a line as `bertkit predict --json` does.'
SCORES = 'Write one JSON object, {"id of a question": 0.1, …}.'


def read_records(path: str) -> list[Prediction]:
    """All records of a file, each with its place.

    Raises:
        InputError: a line is broken; the line names the file and it.
    """
    name = name_of(path)
    results = []
    with open_bytes(path) as file:
        for number, record in read_jsonl(file, name):
            if isinstance(record, InputError):
                raise InputError(record.what, RECORDS)
            results.append(Prediction(record, f"{name}:{number}"))
    return results


def read_answers(path: str) -> dict[str, str] | list[Prediction]:
    """Answers by id, where the file is SQuAD's one object; else its records.

    Raises:
        InputError: the file is broken; the line names the file and the line, or the id.
    """
    if _first_line_is_a_record(path):
        return read_records(path)
    answers = _whole(path, BY_ID)
    for id, answer in answers.items():
        if not isinstance(answer, str):
            raise InputError(f"{name_of(path)}: the answer to {id!r} is not text", BY_ID)
    return {id: str(answer) for id, answer in answers.items()}


def read_no_answer_scores(path: str) -> dict[str, float]:
    """How probable it is that each question has no answer, by its id: the official script's `--na-prob-file`.

    Raises:
        InputError: the file is broken, or a score is not a number.
    """
    scores = {}
    for id, score in _whole(path, SCORES).items():
        if not isinstance(score, int | float) or isinstance(score, bool):
            raise InputError(f"{name_of(path)}: the score of {id!r} is not a number", SCORES)
        scores[id] = float(score)
    return scores


def _first_line_is_a_record(path: str) -> bool:
    """Whether the first line that is not blank is an object by itself, and not one of answers."""
    with open_bytes(path) as file:
        first = next(read_jsonl(file, name_of(path)), None)
    if first is None:
        raise InputError(f"{name_of(path)}: no predictions", BY_ID)
    record = first[1]
    return not isinstance(record, InputError) and not all(isinstance(value, str) for value in record.values())


def _whole(path: str, remedy: str) -> Mapping[str, object]:
    whole = read_json(path, remedy)
    if not isinstance(whole, dict):
        raise InputError(f"{name_of(path)}: not a JSON object", remedy)
    return whole
