"""From the arguments of a call to the configuration of a job."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TypeVar

from bertkit.config.strict import Strict, parse
from bertkit.errors import ConfigError, UserError, near_match
from bertkit.labelled.reading import rows_of
from bertkit.tasks.catalogue import tasks_with

Config = TypeVar("Config", bound=Strict)
COLUMN = "_column"
FIELDS = tuple(dict.fromkeys(field for task in tasks_with("rows") for field in rows_of(task).fields))


def config_of(kind: type[Config], call: str, given: Mapping[str, object]) -> Config:
    """The configuration that arguments say; where it has columns, `text_column` and its like are among them.

    Args:
        call: what was called, as messages name it.
        given: the arguments by their names; those that are None were not given.

    Raises:
        UserError: an argument is unknown, which names the near match, or of a kind that it cannot be.
    """
    fields = [*kind.model_fields]
    columns = [f"{field}{COLUMN}" for field in FIELDS] if "columns" in fields else []
    unknown = next((name for name in given if name not in {*fields, *columns}), None)
    if unknown is not None:
        raise UserError(
            f"{call}: no argument {unknown!r}{near_match(unknown, [*fields, *columns])}",
            f"Its arguments are {', '.join(fields)}{', text_column, label_column …' if columns else ''}.",
        )
    values = {name: _plain(value) for name, value in given.items() if value is not None}
    named = {name.removesuffix(COLUMN): values.pop(name) for name in columns if name in values}
    if named:
        already = values.get("columns", {})
        values["columns"] = {**already, **named} if isinstance(already, dict) else already
    try:
        return parse(kind, values, call)
    except ConfigError as error:
        raise UserError(error.what, "Correct the argument.") from None


def _plain(value: object) -> object:
    """Paths as text, and several of them as a list."""
    if isinstance(value, os.PathLike):
        return os.fspath(value)
    if isinstance(value, list | tuple):
        return [_plain(part) for part in value]
    return dict(value) if isinstance(value, Mapping) else value
