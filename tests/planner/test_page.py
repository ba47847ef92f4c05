"""The planner's page: its facts are the tables', and its answers are Python's in all four digits that are printed."""

from __future__ import annotations

import json
import random
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from bertkit.planner.formulas import TABLE
from tests.planner.page_facts import FACTS, facts
from tests.planner.random_questions import expected, random_question

SCRIPT = Path(__file__).with_name("answer_questions.mjs")
FILES = sorted(TABLE.parent.iterdir())


def test_the_facts_are_those_of_the_tables() -> None:
    assert FACTS.read_text(encoding="utf-8") == facts(), "python -m tests.planner.page_facts makes them again"


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_nothing_is_loaded_from_elsewhere(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    if path.suffix in (".html", ".js", ".css"):
        assert "http:" not in text.replace("http://www.w3.org/2000/svg", "")
        assert "https:" not in text
    for refused in ("eval(", "new Function", "innerHTML", "onclick", 'style="', "<script>"):
        assert refused not in text


def four_digits(value: object) -> object:
    return float(f"{value:.4g}") if isinstance(value, int | float) else value


def differences(questions: list[dict[str, Any]], answers: list[dict[str, Any]]) -> list[object]:
    """What is printed otherwise: the question, the name, Python's, the page's."""
    found: list[object] = []
    for asked, answered in zip(questions, answers, strict=True):
        for name, value in expected(asked).items():
            if four_digits(value) != four_digits(answered.get(name)):
                found.append((asked, name, value, answered.get(name)))
    return found


@pytest.mark.parametrize("count", [60, pytest.param(1000, marks=pytest.mark.slow)])
def test_the_page_answers_as_python_does(count: int, tmp_path: Path) -> None:
    node = shutil.which("node")
    if node is None:
        pytest.skip("there is no node")
    chance = random.Random(count)
    questions = [random_question(chance) for _ in range(count)]
    (tmp_path / "questions.json").write_text(json.dumps(questions))
    command = [node, str(SCRIPT), str(TABLE.parent), str(tmp_path / "questions.json")]
    answers = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    assert differences(questions, answers) == []
