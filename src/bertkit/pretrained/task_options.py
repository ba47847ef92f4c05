"""A task made with options that a caller or a checkpoint's files give, checked beside what its class takes."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, get_type_hints

from bertkit.config.arguments import check_argument
from bertkit.errors import UserError, near_match
from bertkit.tasks.contract import Task

if TYPE_CHECKING:
    from bertkit.tokenization.tokenizer import Tokenizer


def make_task(kind: type[Task], tokenizer: Tokenizer, options: Mapping[str, Any]) -> Task:
    """The task with these options.

    Raises:
        UserError: it has no such option, or an option has a value of another type, or not one of its words.
    """
    declared = {
        name: hint
        for name, hint in get_type_hints(kind.__init__, localns={"Tokenizer": object}).items()
        if name not in ("tokenizer", "return")
    }
    for name, value in options.items():
        if name not in declared:
            raise UserError(f"{kind.name} has no option {name!r}{near_match(name, declared)}")
        check_argument(name, value, declared[name], words=False)
    task = kind(tokenizer, **options)
    for name, value in options.items():  # the task itself says more about a word that it does not know
        check_argument(name, value, declared[name])
    task.made_with = MappingProxyType(dict(options))
    return task


def remake_task(task: Task, options: Mapping[str, Any], tokenizer: Tokenizer | None = None) -> Task:
    """The same task, some of its options others.

    Args:
        tokenizer: in the place of its own.

    Raises:
        UserError: as `make_task`.
    """
    return make_task(type(task), tokenizer or task.tokenizer, {**task.made_with, **options})
