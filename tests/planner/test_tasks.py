from __future__ import annotations

from bertkit.planner.tasks import PRETRAINED, TASKS


def test_tasks_are_those_of_the_catalogue() -> None:
    from bertkit.tasks.catalogue import TASKS as CATALOGUE

    assert set(TASKS) == set(CATALOGUE)
    assert set(PRETRAINED) <= set(TASKS)
