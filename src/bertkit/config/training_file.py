"""A run's TOML file: read, with changes from the command line, and written back whole."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from bertkit.config.strict import Config, Strict, parse
from bertkit.config.training import TrainingConfig
from bertkit.errors import ConfigError

Values = dict[str, Any]


def load_config(path: Path, overrides: Sequence[str] = ()) -> TrainingConfig:
    """The configuration of pre-training in a file; see `load_as`."""
    return load_as(TrainingConfig, path, overrides)


def load_as(kind: type[Config], path: Path, overrides: Sequence[str] = ()) -> Config:
    """The configuration in a file.

    Args:
        overrides: `train.steps=100`, each replacing the file's value. What is not TOML is a string: `model.start=a/b`.

    Raises:
        ConfigError: no such file, not TOML, or a bad key, which is named.
    """
    values = read_values(path)
    source = f"{path} with --set {' '.join(overrides)}" if overrides else str(path)
    return parse(kind, with_overrides(values, overrides), source)


def read_values(path: Path) -> Values:
    """The tables of a TOML file.

    Raises:
        ConfigError: no such file, or not TOML.
    """
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ConfigError(f"{path}: no such file", "Name the TOML file of a run; examples/recipes has some.") from None
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}") from None
    except ValueError as error:  # bad TOML, or not UTF-8
        raise ConfigError(f"{path}: not TOML: {error}") from None


def with_overrides(values: Values, overrides: Sequence[str]) -> Values:
    """The values, in place, with changes from the command line.

    Raises:
        ConfigError: a change is not KEY=VALUE, or goes into what is not a table.
    """
    for override in overrides:
        _override(values, override)
    return values


def config_text(config: Strict) -> str:
    """The configuration as a TOML file that is read as the same configuration, every default written out.

    Raises:
        ConfigError: it holds a value that TOML has no word for.
    """
    text = toml(_without_none(config.model_dump(mode="json")))
    again = parse(type(config), tomllib.loads(text), "the configuration as TOML")
    for key in differing(config, again):
        raise ConfigError(
            f"{key!r}: its value cannot be written in TOML", "Leave the key out, or choose another value."
        )
    return text


def flat(config: Strict) -> dict[str, object]:
    """Every value by its dotted key (`train.optimiser.name`); lists, and tables of free keys, are one value."""
    return _flat(config.model_dump(mode="json"), "")


def differing(one: Strict, other: Strict) -> dict[str, tuple[object, object]]:
    """The dotted keys at which two configurations differ, with both values, in the order of the file."""
    ones, others = flat(one), flat(other)
    return {
        key: (ones.get(key), others.get(key))
        for key in dict.fromkeys([*ones, *others])
        if ones.get(key) != others.get(key)
    }


def toml(values: Mapping[str, Any]) -> str:
    """Tables of strings, numbers, booleans, lists and further tables as TOML."""
    return "\n".join(_table(values, ())).lstrip("\n") + "\n"


def _without_none(value: Any) -> Any:
    # TOML has no word for None. Left out, it is read as the default; `config_text` notices where that is not None.
    if isinstance(value, Mapping):
        return {name: _without_none(part) for name, part in value.items() if part is not None}
    return [_without_none(part) for part in value] if isinstance(value, list) else value


def _table(values: Mapping[str, Any], path: tuple[str, ...]) -> list[str]:
    tables = {name: value for name, value in values.items() if isinstance(value, Mapping)}
    plain = [f"{_key(name)} = {_value(value)}" for name, value in values.items() if name not in tables]
    # A table that holds only further tables needs no heading; an empty one does, or it would not be there.
    heading = ["", f"[{'.'.join(map(_key, path))}]"] if path and (plain or not tables) else []
    return [*heading, *plain, *(line for name, table in tables.items() for line in _table(table, (*path, name)))]


def _value(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return repr(value)
    if isinstance(value, str):
        return _string(value)
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{_key(name)} = {_value(part)}" for name, part in value.items()) + " }"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(_value, value)) + "]"
    raise ConfigError(f"{value!r}: cannot be written in TOML", "Leave its key out, or choose another value.")


def _string(text: str) -> str:
    # JSON's escapes are TOML's, but for DEL, which TOML wants escaped; surrogate pairs are avoided by `ensure_ascii`.
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def _key(name: str) -> str:
    is_bare = bool(name) and name.isascii() and all(letter.isalnum() or letter in "-_" for letter in name)
    return name if is_bare else _string(name)


def _flat(values: Mapping[str, Any], prefix: str) -> dict[str, object]:
    found: dict[str, object] = {}
    for name, value in values.items():
        key = f"{prefix}{name}"
        is_free = key in ("model.encoder", "train.objectives", "data.columns")
        found.update(_flat(value, f"{key}.") if isinstance(value, Mapping) and not is_free else {key: value})
    return found


def _override(values: Values, override: str) -> None:
    key, equals, text = override.partition("=")
    *tables, name = (part.strip() for part in key.split("."))
    if not equals or not name or not all(tables):
        raise ConfigError(f"--set {override}: not KEY=VALUE", "Write it as --set train.steps=100.")
    place = values
    for part in tables:
        place = place.setdefault(part, {})
        if not isinstance(place, dict):
            raise ConfigError(f"--set {override}: {part!r} is not a table", "Set the whole value instead.")
    place[name] = _meant(text.strip())


def _meant(text: str) -> object:
    try:
        values = tomllib.loads(f"value = {text}")
    except tomllib.TOMLDecodeError:
        return text
    # A date, or a second line: none of our values, so it was meant as text.
    is_ours = values.keys() == {"value"} and isinstance(values["value"], str | int | float | list | dict)
    return values["value"] if is_ours else text
