"""`--help`: every option in one group, only a task's options with --task."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from typer.main import get_command

from bertkit.cli.help import GROUPS, group_of, task_in, tasks_named
from bertkit.cli.main import app
from bertkit.tasks.catalogue import TASKS

Run = Callable[..., tuple[int, str, str]]
PROGRAM: Any = get_command(app)
OPTIONS = sorted(
    {part.name for command in PROGRAM.commands.values() for part in command.params if part.param_type_name == "option"}
)


@pytest.mark.parametrize("name", OPTIONS)
def test_every_option_is_in_one_group(name: str) -> None:
    assert group_of(name) in GROUPS
    assert sum(name in names for names in GROUPS.values()) == (0 if name.endswith("_column") else 1)


def test_no_group_names_an_option_that_is_not_there() -> None:
    assert {name for names in GROUPS.values() for name in names} <= {*OPTIONS, "help", "version"}


def test_help_in_groups(run: Run) -> None:
    code, out, _ = run("predict", "--help")
    assert code == 0
    titles = [line[:-1] for line in out.splitlines() if line.endswith(":") and not line.startswith(" ")]
    assert titles[:4] == ["Arguments", "Input", "Model", "Columns"]
    assert titles[-1] == "Examples"
    assert "130 interrupted" in out


@pytest.mark.parametrize("task", TASKS)
def test_only_the_options_of_a_task(task: str, run: Run) -> None:
    out = run("predict", "--task", task, "--help")[1]
    assert ("--candidate-labels" in out) == (task == "zero-shot-classification")
    assert ("--max-answer-tokens" in out) == (task == "question-answering")
    assert ("--documents-column" in out) == (task == "text-ranking")
    assert "--batch-tokens" in out
    assert out == run("predict", f"--task={task}", "--help")[1]


def test_labelled_columns_are_those_that_the_task_reads(run: Run) -> None:
    out = run("evaluate", "--task", "question-answering", "--help")[1]
    assert "--answers-column" in out
    assert "--label-column" not in out
    assert "--label-column" in run("evaluate", "--task", "zero-shot-classification", "--help")[1]


def test_tasks_of_a_line() -> None:
    assert task_in(["--task"]) is None
    assert task_in(["--task", "no-such-task"]) is None
    assert task_in(["a", "--task=fill-mask"]) == "fill-mask"
    assert list(tasks_named("fill-mask: in question-answering, not well-known")) == ["fill-mask", "question-answering"]


def test_a_shell_completes(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("_BERTKIT_COMPLETE", "complete_bash")
    monkeypatch.setenv("COMP_WORDS", "bertkit predict --cand")
    monkeypatch.setenv("COMP_CWORD", "2")
    with pytest.raises(SystemExit) as ended:
        run()
    assert ended.value.code == 0
