"""From the arguments of a call that does not train to the configuration of its job."""

from __future__ import annotations

import os
from collections.abc import Mapping

from bertkit.api.settings import COLUMN
from bertkit.config.strict import Config, parse
from bertkit.errors import ConfigError, UserError, near_match
from bertkit.formats.python_rows import plain
from bertkit.labelled.reading import rows_of
from bertkit.tasks.catalogue import tasks_with

COLUMNS = tuple(dict.fromkeys(f"{field}{COLUMN}" for task in tasks_with("rows") for field in rows_of(task).fields))


def config_of(kind: type[Config], call: str, given: Mapping[str, object]) -> Config:
    """The configuration that arguments say; where it has columns, `text_column` and its like are among them.

    Args:
        call: what was called, as errors begin.
        given: the arguments by their names; those that are None were not given.

    Raises:
        UserError: an argument that there is not, or a value that it cannot have.
    """
    fields = [*kind.model_fields]
    columns = [*COLUMNS] if "columns" in fields else []
    unknown = next((name for name in given if name not in {*fields, *columns}), None)
    if unknown is not None:
        raise UserError(
            f"{call}: no option {unknown!r}{near_match(unknown, [*fields, *columns])}",
            f"The options are {', '.join(fields)}{' and columns as in label_column=…' if columns else ''}.",
        )
    values = {name: _in_words(value) for name, value in given.items() if value is not None}
    named = {name.removesuffix(COLUMN): values.pop(name) for name in columns if name in values}
    if named:
        already = values.get("columns", {})
        values["columns"] = {**already, **named} if isinstance(already, Mapping) else already
    try:
        return parse(kind, values, call)
    except ConfigError as error:
        raise UserError(error.what, "Correct this argument of the call.") from None


def _in_words(value: object) -> object:
    """Paths as text, numpy's numbers as Python's."""
    if isinstance(value, os.PathLike):
        return os.fspath(value)
    if isinstance(value, list | tuple):
        return [_in_words(part) for part in value]
    return plain(value)
