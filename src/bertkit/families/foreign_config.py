"""Reading and writing a family's own `config.json` through its table of keys. Torch-free."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bertkit.config.encoder import EncoderConfig
from bertkit.config.strict import parse
from bertkit.errors import ConfigError, ModelNotFound, UserError, near_match
from bertkit.families.catalogue import FAMILIES, find_family
from bertkit.families.contract import Derived, Family, Key, TensorFlowLayout

# Keys that the hub's library writes into any configuration and that change nothing an encoder computes.
HARMLESS = frozenset(
    """
    architectures model_type transformers_version _name_or_path name torch_dtype dtype auto_map attribute_map language
    id2label label2id num_labels _num_labels problem_type finetuning_task task_specific_params tokenizer_class prefix
    pad_token_id bos_token_id eos_token_id sep_token_id cls_token_id mask_token_id unk_token_id
    output_attentions output_hidden_states output_past return_dict torchscript gradient_checkpointing use_bfloat16
    xla_device is_encoder_decoder pruned_heads chunk_size_feed_forward quantization_config
    attn_implementation _attn_implementation _attn_implementation_autoset
    sentence_transformers sbert_ce_default_activation_function bertkit_classifier_reads
    """.split()
)


@dataclass(frozen=True, slots=True)
class ForeignConfig:
    """A `config.json` as it was read.

    Attributes:
        values: every key of the file, for labels and other things that tasks read.
        unread: keys that bertkit does not know and that look like no key it does; `bertkit info` lists them.
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
        ConfigError: it is not JSON, a value is out of range, means another model, or a key is nearly one we know.
        UnknownFamily: its `model_type` is none of ours.
    """
    own = {f.tensorflow.config_name: (name, f.tensorflow) for name, f in FAMILIES.items() if f.tensorflow is not None}
    path = next((folder / name for name in ("config.json", *own) if (folder / name).is_file()), None)
    if path is None:
        raise _no_config(folder)
    values = _read_object(path)
    model_type = values.get("model_type")
    if path.name in own:
        name, layout = own[path.name]
        model_type, values = values.get("model_type", name), _in_the_hubs_words(layout, values)
    if not isinstance(model_type, str):
        raise ConfigError(f"{path}: no model_type", 'Add "model_type", for example "bert".')
    family = find_family(model_type, str(path))
    return ForeignConfig(family, _encoder(family, values, path), values, _unread(family, values, path))


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
    try:
        values = json.loads(path.read_bytes())
    except (ValueError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: not JSON: {error}", "Download or copy the file again.") from None
    if not isinstance(values, dict):
        raise ConfigError(f"{path}: not a JSON object", "Download or copy the file again.")
    return values


def _encoder(family: Family, values: Mapping[str, object], path: Path) -> EncoderConfig:
    for name, value in family.fixed.items():
        if values.get(name, value) != value:
            raise ConfigError(
                f"{path}: {name} = {values[name]!r} is not supported (only {value!r})",
                "Use a checkpoint without this variation; bertkit would compute other numbers than its author did.",
            )
    fields: dict[str, Any] = dict(family.constants)
    for key in family.keys:
        _place(fields, key.field, _value(key, values))
    try:
        return parse(EncoderConfig, fields, str(path))
    except ConfigError as error:
        raise ConfigError(_in_their_words(family, error.what)) from None


def _value(key: Key | Derived, values: Mapping[str, object]) -> object:
    return key.read(values) if isinstance(key, Derived) else key.read(values.get(key.theirs, key.default))


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


def _known(family: Family) -> set[str]:
    keys = [(key.theirs,) if isinstance(key, Key) else key.theirs for key in family.keys]
    return {name for names in keys for name in names} | set(family.fixed)


def _unread(family: Family, values: Mapping[str, object], path: Path) -> tuple[str, ...]:
    """The unknown keys; one that is nearly a key which the file leaves out is a misspelling, and an error."""
    known = _known(family)
    unknown = [key for key in values if key not in known | family.harmless | HARMLESS]
    missing = known - set(values)
    for key in unknown:
        if hint := near_match(key, missing):
            raise ConfigError(f"{path}: unknown key {key!r}{hint}", "Correct the key, or remove it.")
    return tuple(unknown)


def write_config(family: Family, encoder: EncoderConfig, model_type: str | None = None) -> dict[str, object]:
    """`encoder` in the family's own keys, ready for `config.json`.

    Args:
        model_type: for a family that has several; its first when left out.
    """
    values: dict[str, object] = {"model_type": model_type or next(iter(family.class_names))}
    for key in family.keys:
        values |= key.write(encoder) if isinstance(key, Derived) else {key.theirs: key.write(_field(encoder, key))}
    return values | dict(family.fixed)


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
    added = {"model_type": next(iter(family.class_names)), **family.fixed}
    added |= {key.theirs: key.default for key in family.keys if isinstance(key, Key) and key.theirs in layout.constants}
    return {key: value for key, value in values.items() if key not in added or value != added[key]}


def _field(encoder: EncoderConfig, key: Key) -> object:
    value: object = encoder
    for part in key.field.split("."):
        value = getattr(value, part)
    return value
