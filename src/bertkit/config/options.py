"""The plain options of fine-tuning and the settings that they stand for, on the command line and in Python alike."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

Values = dict[str, Any]

FINETUNE_OPTIONS: Mapping[str, str] = MappingProxyType(
    {
        "problem": "task.problem",
        "format": "data.format",
        "columns": "data.columns",
        "bad_answers": "data.bad_answers",
        "long": "data.long",
        "device": "train.device",
        "epochs": "train.epochs",
        "batch_size": "train.batch_samples",
        "learning_rate": "train.optimiser.learning_rate",
        "seed": "train.seed",
        "quick": "train.quick",
    }
)


def put_options(values: Values, options: Mapping[str, object]) -> Values:
    """The tables of a configuration, in place, with the options that were given: those that are None were not."""
    for name, value in options.items():
        if value is not None:
            put(values, FINETUNE_OPTIONS[name], value)
    return values


def put(values: Values, key: str, value: object) -> None:
    """Sets a dotted key (`train.epochs`), or a table key by key.

    Raises:
        KeyError: what should be a table on the way is none; it is named.
    """
    *tables, name = key.split(".")
    place = values
    for part in tables:
        place = place.setdefault(part, {})
        if not isinstance(place, dict):
            raise KeyError(part)
    if not isinstance(value, Mapping):
        place[name] = value
        return
    if not isinstance(place.setdefault(name, {}), dict):
        place[name] = {}
    for inner, part in value.items():
        put(place[name], str(inner), part)
