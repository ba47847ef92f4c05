"""Frozen, strict configuration objects, and the one way to make one from a file's contents."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

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
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"])
        if first["type"] == "extra_forbidden":
            hint = near_match(str(first["loc"][-1]), kind.model_fields)
            raise ConfigError(f"{source}: unknown key {key!r}{hint}") from None
        message = first["msg"].removeprefix("Value error, ")
        raise ConfigError(f"{source}: {f'{key!r}: ' if key else ''}{message}") from None
