from __future__ import annotations

from pathlib import Path
from typing import Any, Literal, get_args, get_origin, get_overloads, get_type_hints

import pytest
import torch

from bertkit.inference.model import load
from bertkit.tasks.catalogue import TASKS
from bertkit.tasks.contract import Result
from bertkit.tasks.scoring import Labels
from bertkit.tasks.text_classification import Value

ROOT = Path(__file__).parents[2]


def declared() -> dict[str, Any]:
    """What `load` says that each task answers."""
    hints = [get_type_hints(one, localns={"torch": torch}) for one in get_overloads(load)]
    named = [one for one in hints if get_origin(one["task"]) is Literal]
    return {get_args(one["task"])[0]: get_args(one["return"])[0] for one in named}


def test_every_task_has_an_overload() -> None:
    assert set(declared()) == set(TASKS)


@pytest.mark.parametrize("name", TASKS)
def test_it_says_what_the_task_answers(name: str) -> None:
    answered = get_type_hints(TASKS[name].task.decode)["return"]
    assert declared()[name] == (Labels | Value if answered is Result else answered)


def test_a_type_checker_reads_how_it_is_used() -> None:
    assert "tests/inference/typed_use.py" in (ROOT / "pyproject.toml").read_text(encoding="utf-8")
