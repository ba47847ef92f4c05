"""Reading and writing a family's own `config.json` through its table of keys. Torch-free."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from bertkit.config.encoder import EncoderConfig
from bertkit.config.strict import parse
from bertkit.errors import ConfigError, ModelNotFound, near_match
from bertkit.families.catalogue import find_family
from bertkit.families.contract import Family, Key

# Keys that the hub's library writes into any configuration and that change nothing an encoder computes.
HARMLESS = frozenset(
    """
    architectures model_type transformers_version _name_or_path name torch_dtype dtype auto_map attribute_map language
    id2label label2id num_labels _num_labels problem_type finetuning_task task_specific_params tokenizer_class prefix
    pad_token_id bos_token_id eos_token_id sep_token_id cls_token_id mask_token_id unk_token_id
    output_attentions output_hidden_states output_past return_dict torchscript gradient_checkpointing use_bfloat16
    xla_device is_encoder_decoder pruned_heads chunk_size_feed_forward quantization_config
    attn_implementation _attn_implementation _attn_implementation_autoset
    sentence_transformers sbert_ce_default_activation_function
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


def read_config(folder: Path) -> ForeignConfig:
    """The configuration in `folder`: `config.json`, or `bert_config.json` as Google shipped it.

    Raises:
        ModelNotFound: there is none.
        ConfigError: it is not JSON, a value is out of range, means another model, or a key is nearly one we know.
        UnknownFamily: its `model_type` is none of ours.
    """
    for name in ("config.json", "bert_config.json"):
        if (folder / name).is_file():
            path = folder / name
            break
    else:
        raise ModelNotFound(
            f"{folder}: no config.json", "Name a folder that holds a checkpoint: config.json and its weights."
        )
    values = _read_object(path)
    default_type = "bert" if path.name == "bert_config.json" else None
    model_type = values.get("model_type", default_type)
    if not isinstance(model_type, str):
        raise ConfigError(f"{path}: no model_type", 'Add "model_type", for example "bert".')
    family = find_family(model_type, str(path))
    return ForeignConfig(family, _encoder(family, values, path), values, _unread(family, values, path))


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
    fields: dict[str, object] = {}
    for key in family.keys:
        fields |= _nest(key.field, key.read(values.get(key.theirs, key.default)))
    try:
        return parse(EncoderConfig, fields, str(path))
    except ConfigError as error:
        raise ConfigError(_in_their_words(family, error.what)) from None


def _nest(field: str, value: object) -> dict[str, object]:
    first, _, rest = field.partition(".")
    return {first: _nest(rest, value) if rest else value}


def _in_their_words(family: Family, message: str) -> str:
    """An error about one of our fields, said with the key that the user sees in the file."""
    for key in family.keys:
        message = message.replace(f"{key.field!r}:", f"{key.theirs!r}:")
    return message


def _unread(family: Family, values: Mapping[str, object], path: Path) -> tuple[str, ...]:
    """The unknown keys; one that is nearly a key which the file leaves out is a misspelling, and an error."""
    known = {key.theirs for key in family.keys} | set(family.fixed)
    unknown = [key for key in values if key not in known | family.harmless | HARMLESS]
    missing = known - set(values)
    for key in unknown:
        if hint := near_match(key, missing):
            raise ConfigError(f"{path}: unknown key {key!r}{hint}", "Correct the key, or remove it.")
    return tuple(unknown)


def write_config(family: Family, encoder: EncoderConfig) -> dict[str, object]:
    """`encoder` in the family's own keys, ready for `config.json`."""
    values: dict[str, object] = {"model_type": family.model_type}
    for key in family.keys:
        values[key.theirs] = key.write(_field(encoder, key))
    return values | dict(family.fixed)


def _field(encoder: EncoderConfig, key: Key) -> object:
    value: object = encoder
    for part in key.field.split("."):
        value = getattr(value, part)
    return value
