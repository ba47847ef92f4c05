from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from bertkit.errors import InputError, UserError
from bertkit.evaluation.scored_predictions import scored_predictions
from bertkit.formats.rows import Row
from bertkit.labelled.examples import Example, References

QUESTIONS = [
    Example(Row({"question": "q", "context": "a cat"}, f"d:{number}"), References(("cat",), (2,)), number)
    for number in ("1", "2")
]


def write(path: Path, *records: Any) -> str:
    path.write_text("\n".join(map(json.dumps, records)))
    return str(path)


def test_answers_by_id_count_what_is_missing_and_say_so(tmp_path: Path) -> None:
    notes: list[str] = []
    by_id = write(tmp_path / "a.json", {"1": "cat"})
    found = scored_predictions(by_id, "question-answering", None, QUESTIONS, note=notes.append)
    assert found.scores.metrics["exact_match"] == 50
    assert notes == ["1 of 2 questions have no prediction; each counts 0"]


def test_records_have_their_own_scores_of_no_answer(tmp_path: Path) -> None:
    record = {"answers": [{"answer": "cat", "score": 0.9, "start": 2, "end": 5}], "no_answer_score": 0.1}
    said = write(tmp_path / "a.jsonl", record, record)
    assert scored_predictions(said, "question-answering", None, QUESTIONS).scores.metrics["f1"] == 100
    with pytest.raises(UserError, match="which have their own"):
        scored_predictions(said, "question-answering", None, QUESTIONS, "scores.json")
    with pytest.raises(InputError, match="1 predictions for 2 examples"):
        scored_predictions(write(tmp_path / "b.jsonl", record), "question-answering", None, QUESTIONS)
