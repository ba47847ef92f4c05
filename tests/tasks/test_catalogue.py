"""Every part that an entry names is there, and a part that there is not is refused by name."""

from __future__ import annotations

from dataclasses import fields

import pytest

from bertkit.errors import UserError
from bertkit.tasks.catalogue import TASKS, find_part, find_spec, find_task, tasks_with
from bertkit.tasks.contract import Task
from bertkit.tasks.spec import LACKS

PARTS = [(name, part) for name in TASKS for part in LACKS if getattr(TASKS[name], part) is not None]


@pytest.mark.parametrize(("name", "part"), PARTS)
def test_a_part_is_where_its_entry_says(name: str, part: str) -> None:
    assert TASKS[name].load(part) is not None


@pytest.mark.parametrize("name", TASKS)
def test_an_entry_is_of_the_task_of_its_name(name: str) -> None:
    assert issubclass(find_task(name), Task)
    assert find_task(name).name == name


def test_what_a_task_lacks_is_said() -> None:
    with pytest.raises(UserError, match="feature-extraction cannot be fine-tuned"):
        find_spec("feature-extraction").load("objective")
    with pytest.raises(UserError, match="task 'fill-mask' has no scores"):
        find_part("fill-mask", "scorer", "has no scores")
    with pytest.raises(UserError, match=r"unknown task 'fill-msk' \(did you mean 'fill-mask'\?\)"):
        find_spec("fill-msk")
    assert {part.name for part in fields(TASKS["fill-mask"])} >= LACKS.keys()


def test_tasks_that_learn_have_all_that_learning_needs() -> None:
    for name in tasks_with("objective"):
        spec = TASKS[name]
        assert spec.rows is not None, name
        assert spec.scorer is not None or spec.model_scorer is not None, name
