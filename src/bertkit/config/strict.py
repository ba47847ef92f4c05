"""Frozen, strict configuration objects, and the one way to make one from a file's contents."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TypeVar, get_args

from pydantic import BaseModel, ConfigDict, ValidationError

from bertkit.errors import ConfigError, near_match


class Strict(BaseModel):
    """Base of every configuration: immutable, no unknown key, no silent conversion between types."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


Config = TypeVar("Config", bound=Strict)


def parse(kind: type[Config], values: Mapping[str, object], source: str) -> Config:
    """`kind` made from `values`.

    Args:
        source: what the values were read from; the error's line begins with it.

    Raises:
        ConfigError: naming the first bad key, and the nearest known key where it is unknown.
    """
    try:
        return kind.model_validate(dict(values))
    except ValidationError as error:
        # Where a key that must be there is misspelt, both faults are found: the misspelt one says what to do.
        first = min(error.errors(), key=lambda fault: fault["type"] != "extra_forbidden")
        key = ".".join(str(part) for part in first["loc"])
        if first["type"] == "extra_forbidden":
            hint = near_match(str(first["loc"][-1]), _known_keys(kind, first["loc"][:-1]))
            hint = _in_another_table(kind, key) or hint
            raise ConfigError(f"{source}: unknown key {key!r}{hint}") from None
        if first["type"] == "missing":
            raise ConfigError(f"{source}: {key!r} is missing", "Give it a value.") from None
        message = first["msg"].removeprefix("Value error, ")
        raise ConfigError(f"{source}: {f'{key!r}: ' if key else ''}{message}") from None


def _known_keys(kind: type[BaseModel], path: Sequence[int | str]) -> list[str]:
    """The keys of the table at `path` (as pydantic says it: keys, and places in lists) inside `kind`."""
    for part in path:
        if isinstance(part, str) and part in kind.model_fields:
            kind = next(_models(kind.model_fields[part].annotation), kind)
    return list(kind.model_fields)


def _in_another_table(kind: type[BaseModel], key: str) -> str:
    """A hint at a key of this name in another table (`train.epochs` for `epochs`); empty where there is none."""
    name = key.rpartition(".")[2]
    found = [dotted for dotted in dotted_keys(kind) if dotted.rpartition(".")[2] == name]
    return f" (did you mean {found[0]!r}?)" if len(found) == 1 else ""


def dotted_keys(kind: type[BaseModel], prefix: str = "") -> Iterator[str]:
    """Every key of a configuration by its dotted name, tables too."""
    for name, field in kind.model_fields.items():
        yield prefix + name
        for inner in _models(field.annotation):
            yield from dotted_keys(inner, f"{prefix}{name}.")


def _models(annotation: object) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for argument in get_args(annotation):
        yield from _models(argument)
