"""`bertkit info`: what is in a checkpoint."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

import typer

from bertkit.cli import options
from bertkit.errors import UserError

ModelArgument = Annotated[
    str | None, typer.Argument(help="A folder or a hub name; the built-in model when left out.", metavar="MODEL")
]
Families = Annotated[bool, typer.Option("--families", help="List the model families that bertkit has, and stop.")]


def info(
    model: ModelArgument = None,
    families: Families = False,
    revision: options.Revision = None,
    json: options.Json = False,
) -> None:
    """Say what is in a checkpoint: family, size, heads."""
    from bertkit.cli.output import json_line

    if families and model is not None:
        raise UserError("MODEL and --families are both given", "Give one of them.")
    record = _families() if families else _checkpoint(model, revision)
    typer.echo(json_line(record, "info") if json else "\n".join(described(record)))


def _families() -> Mapping[str, object]:
    from bertkit.families.catalogue import FAMILIES

    return {"families": {family.name: family.changes for family in FAMILIES.values()}}


def _checkpoint(model: str | None, revision: str | None) -> Mapping[str, object]:
    from bertkit.cli.models import model_folder
    from bertkit.pretrained.describe import describe

    return describe(model_folder(model, revision)).record()


def described(record: Mapping[str, Any], indent: str = "") -> list[str]:
    """A record as aligned `name  value` lines, what is nested indented below its name."""
    width = max((len(_label(name)) for name in record), default=0)
    lines = []
    for name, value in record.items():
        if isinstance(value, Mapping) and value:
            lines += [f"{indent}{_label(name)}", *described(value, indent + "  ")]
        else:
            lines.append(f"{indent}{_label(name):<{width}}  {_shown(value)}")
    return lines


def _label(name: str) -> str:
    return name if "." in name else name.replace("_", " ")  # the name of a file stays as it is


def _shown(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value)) or "none"
    return "none" if value is None or value == {} else str(value)
