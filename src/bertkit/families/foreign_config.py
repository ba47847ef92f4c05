"""Reading and writing a family's own `config.json` through its table of keys. Torch-free."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bertkit.config.encoder import EncoderConfig
from bertkit.config.int8 import without_guard
from bertkit.config.strict import parse
from bertkit.errors import ConfigError, ModelNotFound, UserError, refuse_pointer
from bertkit.families.catalogue import FAMILIES, find_family
from bertkit.families.contract import Derived, Family, Key, TensorFlowLayout
from bertkit.families.harmless import FIXED, HARMLESS, READ_ELSEWHERE
from bertkit.families.values import REMEDY, shortened


@dataclass(frozen=True, slots=True)
class ForeignConfig:
    """A `config.json` as it was read.

    Attributes:
        values: every key of the file, for labels and other things that tasks read.
        unread: keys in no table, which the family's library does not read either; `bertkit info` lists them.
    """

    family: Family
    encoder: EncoderConfig
    values: Mapping[str, object]
    unread: tuple[str, ...]

    @property
    def model_type(self) -> str:
        """Which of the family's model types it is."""
        return str(self.values.get("model_type", next(iter(self.family.class_names))))

    @property
    def architecture(self) -> str:
        """What it calls the model's class; an empty string where it does not say."""
        names = self.values.get("architectures")
        return str(names[0]) if isinstance(names, list) and names else ""

    @property
    def ending(self) -> str:
        """The class without the family's name, as `Family.architectures` has it."""
        return self.architecture.removeprefix(self.family.class_names[self.model_type])


def read_config(folder: Path) -> ForeignConfig:
    """The configuration in `folder`: `config.json`, or a family's own file as Google shipped it (`bert_config.json`).

    Raises:
        ModelNotFound: there is none.
        ConfigError: it is not JSON, or a value is of another kind, out of range or means another model.
        UnknownFamily: its `model_type` is none of ours.
    """
    own = {f.tensorflow.config_name: (name, f.tensorflow) for name, f in FAMILIES.items() if f.tensorflow is not None}
    path = next((folder / name for name in ("config.json", *own) if (folder / name).is_file()), None)
    if path is None:
        raise _no_config(folder)
    values = without_guard(_read_object(path))
    model_type = values.get("model_type")
    if path.name in own:
        name, layout = own[path.name]
        model_type, values = values.get("model_type", name), _in_the_hubs_words(layout, values)
    if not isinstance(model_type, str):
        raise ConfigError(f"{path}: no model_type", 'Add "model_type", for example "bert".')
    family = find_family(model_type, str(path))
    try:
        encoder = _encoder(family, values)
    except ConfigError as error:
        raise error.at(str(path)) from None
    known = {*read_keys(family), *_other_keys(family), *HARMLESS, *READ_ELSEWHERE}
    return ForeignConfig(family, encoder, values, tuple(key for key in values if key not in known))


def _no_config(folder: Path) -> ModelNotFound:
    if any(folder.glob("*.index")):
        return ModelNotFound(
            f"{folder}: a TensorFlow checkpoint without a config.json",
            "Put the model's config.json beside it. ELECTRA's releases have none: take the one of the same size on the "
            "hub, of google/electra-small-discriminator for example, or of its -generator to read the generator.",
        )
    return ModelNotFound(
        f"{folder}: no config.json", "Name a folder that holds a checkpoint: config.json and its weights."
    )


def _in_the_hubs_words(layout: TensorFlowLayout, values: Mapping[str, object]) -> dict[str, object]:
    return {key: layout.values.get(key, {}).get(str(value), value) for key, value in values.items()}


def _read_object(path: Path) -> dict[str, object]:
    content = path.read_bytes()
    refuse_pointer(path, content)
    try:
        values = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise ConfigError(f"{path}: not JSON: {error}", "Download or copy the file again.") from None
    if not isinstance(values, dict):
        raise ConfigError(f"{path}: not a JSON object", "Download or copy the file again.")
    return values


def _encoder(family: Family, values: Mapping[str, object]) -> EncoderConfig:
    check_fixed({**FIXED, **family.fixed, **family.other_programs}, values)
    fields: dict[str, Any] = dict(family.constants)
    for key in family.keys:
        _place(fields, key.field, _value(key, values))
    try:
        encoder = parse(EncoderConfig, fields, "")
    except ConfigError as error:
        raise ConfigError(_in_their_words(family, error.what.removeprefix(": ")), REMEDY) from None
    check_fixed({name: value(encoder) for name, value in family.implied.items()}, values)
    return encoder


def unlike(fixed: Mapping[str, object], values: Mapping[str, object]) -> str | None:
    """The first key of `fixed` to which a file gives another value; null or `{}` is as if it were left out."""
    given = {name: values[name] for name in fixed if values.get(name) not in (None, {}, [])}
    return next((name for name, value in given.items() if value != fixed[name]), None)


def check_fixed(fixed: Mapping[str, object], values: Mapping[str, object]) -> None:
    """Refuse keys with another value than the one that bertkit computes.

    Raises:
        ConfigError: naming the first.
    """
    name = unlike(fixed, values)
    if name is not None:
        only = "leave it out" if fixed[name] is None else f"only {fixed[name]!r}"
        raise ConfigError(
            f"{name} = {shortened(values[name])} is not supported ({only})",
            "Use a checkpoint without this variation; bertkit would compute other numbers than its author did.",
        )


def _value(key: Key | Derived, values: Mapping[str, object]) -> object:
    if isinstance(key, Derived):
        return key.read(values)
    name = next((alias for alias in key.aliases if alias in values), key.theirs)
    return key.read(key.kind.read(values, name, key.default))


def _place(fields: dict[str, Any], name: str, value: object) -> None:
    """Put a value where a dotted name says."""
    first, _, rest = name.partition(".")
    if rest:
        fields[first] = dict(fields.get(first, {}))
        _place(fields[first], rest, value)
    else:
        fields[first] = value


def _in_their_words(family: Family, message: str) -> str:
    """An error about one of our fields, said with the key that the user sees in the file."""
    for key in family.keys:
        theirs = key.theirs if isinstance(key, Key) else key.theirs[0]
        message = message.replace(f"{key.field!r}:", f"{theirs!r}:")
    return message


def read_keys(family: Family) -> tuple[str, ...]:
    """Every key of the family's `config.json` that describes the encoder, old names included."""
    return tuple(
        name for key in family.keys for name in (key.theirs if isinstance(key, Derived) else (key.theirs, *key.aliases))
    )


def _other_keys(family: Family) -> set[str]:
    """Keys of the family's tables that do not describe the encoder."""
    of_heads = {head.reads_key for head in family.heads.values() if head.reads_key}
    return {*FIXED, *family.assumed, *family.other_programs, *family.implied, *family.harmless, *of_heads}


def write_config(family: Family, encoder: EncoderConfig, model_type: str | None = None) -> dict[str, object]:
    """`encoder` in the family's own keys, ready for `config.json`.

    Args:
        model_type: for a family that has several; its first when left out.
    """
    values: dict[str, object] = {"model_type": model_type or next(iter(family.class_names))}
    for key in family.keys:
        values |= key.write(encoder) if isinstance(key, Derived) else {key.theirs: key.write(_field(encoder, key))}
    return family.assumed | values


def write_tensorflow_config(
    family: Family, layout: TensorFlowLayout, values: Mapping[str, object]
) -> dict[str, object]:
    """A `config.json` as the family's authors write theirs: in their words, without what reading it back would add.

    Raises:
        UserError: a value that theirs cannot say.
    """
    values = dict(values)
    for key, words in layout.values.items():
        if values[key] in words:
            raise UserError(
                f"{layout.config_name}: {key} = {values[key]!r} means {words[str(values[key])]!r} there",
                "Use the hub's layout for this model.",
            )
        values[key] = next((theirs for theirs, hub in words.items() if hub == values[key]), values[key])
    added = {"model_type": next(iter(family.class_names)), **family.assumed}
    added |= {key.theirs: key.default for key in family.keys if isinstance(key, Key) and key.theirs in layout.constants}
    return {key: value for key, value in values.items() if key not in added or value != added[key]}


def _field(encoder: EncoderConfig, key: Key) -> object:
    value: object = encoder
    for part in key.field.split("."):
        value = getattr(value, part)
    return value
