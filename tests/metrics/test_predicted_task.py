from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from bertkit.errors import UserError
from bertkit.metrics.predicted_task import task_of_predictions


@pytest.mark.parametrize(
    ("records", "task"),
    [
        ([{"labels": []}], "text-classification"),
        ([{"value": 1.0}], "text-classification"),
        ([{"entities": []}], "token-classification"),
        ([{"answers": [], "no_answer_score": 1.0}], "question-answering"),
        ([{"error": {}}, {"ranking": []}], "text-ranking"),
        ([{"1": "an answer", "2": ""}], "question-answering"),
    ],
)
def test_records_say_their_task(tmp_path: Path, records: list[dict[str, Any]], task: str) -> None:
    path = tmp_path / "said.jsonl"
    path.write_text("\n".join(map(json.dumps, records)))
    assert task_of_predictions(str(path)) == task


@pytest.mark.parametrize("record", [{"tokens": 3}, {"error": {}}, {"labels": [], "entities": []}])
def test_records_that_do_not_say(tmp_path: Path, record: dict[str, Any]) -> None:
    path = tmp_path / "said.jsonl"
    path.write_text(json.dumps(record))
    with pytest.raises(UserError, match="do not say what was predicted"):
        task_of_predictions(str(path))
    with pytest.raises(UserError, match="read once"):
        task_of_predictions("-")
