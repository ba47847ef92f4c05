"""docs/settings.md: every setting of a training run, from the configuration classes and what their docstrings say."""

from __future__ import annotations

import inspect
import json
import re
from collections.abc import Iterator
from types import NoneType, UnionType
from typing import Annotated, Literal, Union, get_args, get_origin

from annotated_types import Ge, Gt, Le, Len, Lt, MinLen
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from bertkit.config.finetuning import FinetuneConfig
from bertkit.config.search import SearchTable
from bertkit.config.strict import Strict
from bertkit.config.training import TrainingConfig

HEAD = """# Settings

Every setting of a run, its default, and what it does. This page is made from the configuration classes:
`python -m pages.generate`.

A setting is called by its table and its name. On the command line `--set train.optimiser.weight_decay=0.1`, as often as
needed; in Python `settings={"train": {"optimiser": {"weight_decay": 0.1}}}`, or with the dotted name as the key; in a
TOML file of `bertkit pretrain` a key of the table `[train.optimiser]`. A value is written as TOML writes it: `true`,
`0.1`, `[64, 128]`, `"text"`. A name that there is not is an error that names the near match. The most used ones have
options of their own: [commands](commands.md).
"""
SECTIONS: tuple[tuple[str, str, type[BaseModel]], ...] = (
    ("Fine-tuning", "`bertkit finetune` and `distill`; [fine-tuning](finetuning.md) explains.", FinetuneConfig),
    ("Search", "The table `search`, besides those of fine-tuning: `bertkit finetune --search`.", SearchTable),
    ("Pre-training", "`bertkit pretrain CONFIG.toml`; [pre-training](pretraining.md) explains.", TrainingConfig),
)


def page() -> str:
    """The whole page."""
    parts = [HEAD]
    for title, introduction, kind in SECTIONS:
        parts.append(f"## {title}\n\n{introduction}\n")
        prefix = "search" if kind is SearchTable else ""
        parts += [_table(name, table) for name, table in tables(kind, prefix)]
    return "\n".join(parts)


def tables(kind: type[BaseModel], name: str = "") -> Iterator[tuple[str, type[BaseModel]]]:
    """A configuration and the tables in it, each by its dotted name, those without a setting of their own left out."""
    if any(not _inner(field) for field in kind.model_fields.values()):
        yield name, kind
    for key, field in kind.model_fields.items():
        for inner in _inner(field):
            yield from tables(inner, f"{name}.{key}".lstrip("."))


def explained(kind: type[BaseModel]) -> dict[str, str]:
    """What the docstrings of a configuration and of its bases say of each field."""
    said: dict[str, str] = {}
    for one in (base for base in reversed(kind.__mro__) if issubclass(base, Strict)):
        page = inspect.cleandoc(one.__dict__.get("__doc__") or "")
        section = re.search(r"^Attributes:\n(.*)", page, re.MULTILINE | re.DOTALL)
        entries = re.split(r"\n(?= {4}\S)", section[1]) if section else []
        for entry in entries:
            names, _, text = entry.partition(":")
            said |= {key.strip(): " ".join(text.split()) for key in names.split(",")}
    return said


def _table(name: str, kind: type[BaseModel]) -> str:
    said = explained(kind)
    lines = [f"### `{name}`\n", "| setting | value | default | what it does |", "|---|---|---|---|"]
    for key, field in kind.model_fields.items():
        if _inner(field):
            continue
        cells = (f"`{name}.{key}`", _value(field), _default(field), said[key])
        lines.append(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |")
    return "\n".join([*lines, ""])


def _inner(field: FieldInfo) -> list[type[BaseModel]]:
    """The tables that a field may be."""
    options = get_args(field.annotation) or (field.annotation,)
    return [one for one in options if isinstance(one, type) and issubclass(one, BaseModel)]


def _value(field: FieldInfo) -> str:
    """What may stand there, in words: a type, or the words that there are, and the bounds of a number."""
    bounds = _bounds(field.metadata)
    return _kind(field.annotation) + (f", {bounds}" if bounds else "")


def _kind(annotation: object) -> str:
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        bounds = _bounds(_flat(arguments[1:]))
        return _kind(arguments[0]) + (f" {bounds}" if bounds else "")
    if origin is Literal:
        return ", ".join(f"`{word}`" for word in arguments)
    if origin in (Union, UnionType):
        return " or ".join(dict.fromkeys(_kind(one) for one in arguments if one is not NoneType))
    if origin in (list, tuple):
        return f"list of {_kind(arguments[0])}"
    if origin is dict:
        return f"table of {_kind(arguments[1])}"
    names = {str: "text", int: "whole number", float: "number", bool: "true or false", object: "any"}
    return names.get(annotation, "path, or several, or rows") if isinstance(annotation, type) else "any"


def _flat(metadata: tuple[object, ...]) -> list[object]:
    """The constraints in a type's annotations, those of pydantic's `Field` among them."""
    return [one for given in metadata for one in (given.metadata if isinstance(given, FieldInfo) else [given])]


def _bounds(metadata: list[object]) -> str:
    words = []
    for one in metadata:
        match one:
            case Gt(gt=number):
                words.append(f"> {number:g}")
            case Ge(ge=number):
                words.append(f"≥ {number:g}")
            case Lt(lt=number):
                words.append(f"< {number:g}")
            case Le(le=number):
                words.append(f"≤ {number:g}")
            case MinLen() | Len():
                pass  # how long a list is, its line says
    return " and ".join(words)


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "required"
    value = field.get_default(call_default_factory=True)
    return "none" if value is None else f"`{json.dumps(value)}`"
