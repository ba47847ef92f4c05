"""`bertkit evaluate -m` with real models: which task is scored where nobody says."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from bertkit.cli.main import main
from tests.parity.task_peers import make_task_peer

ROWS: dict[str, list[dict[str, Any]]] = {
    "text-classification": [{"text": "w1", "label": "yes"}, {"text": "w2 w3", "label": "no"}],
    "multiple-choice": [{"text": "w1 is", "choices": ["w2", "w3"], "label": 0}],
    "token-classification": [{"tokens": ["paris", "is"], "tags": ["B-PER", "O"]}],
}


@pytest.mark.parametrize("task", ROWS)
def test_without_a_task_it_is_what_the_head_does(task: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    settings: dict[str, Any] = {"labels": ("O", "B-PER", "I-PER")} if task == "token-classification" else {}
    make_task_peer(task, tmp_path / "model", **settings)
    data = tmp_path / "data.jsonl"
    data.write_text("".join(json.dumps(row) + "\n" for row in ROWS[task]))
    command = ["evaluate", "-m", str(tmp_path / "model"), "--data", str(data), "--json"]
    assert main([*command, "--task", task]) == 0
    said = json.loads(capsys.readouterr().out)
    assert main(command) == 0
    assert json.loads(capsys.readouterr().out) == said
    assert said["metrics"]
