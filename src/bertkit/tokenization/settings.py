"""What the files beside a vocabulary say: letter case, names of the special tokens, added tokens.

Three files of the hub's layout are read, all optional: `tokenizer_config.json`, and of older folders
`special_tokens_map.json` and `added_tokens.json`. Keys that do not change tokens are left alone: these files are
foreign, and dozens of programs write into them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tokenizers import AddedToken

from bertkit.errors import ConfigError
from bertkit.tokenization.files import read_object

CONFIG = "tokenizer_config.json"
SPECIAL_TOKENS_MAP = "special_tokens_map.json"
ADDED_TOKENS = "added_tokens.json"
ROLES = ("pad", "unk", "cls", "sep", "mask")

# Kept when a tokenizer is saved again; everything else is derived from the tokenizer itself.
KEPT = ("tokenizer_class", "model_max_length", "model_input_names", "padding_side", "truncation_side")


@dataclass(frozen=True, slots=True)
class Settings:
    """The settings of a tokenizer folder; None means that no file says.

    Attributes:
        special: the token of each role (`pad`, `unk`, `cls`, `sep`, `mask`) that a file names.
        extra_special: further special tokens.
        added: tokens beside the vocabulary's own, with the id that the file gives each.
        kept: keys of `tokenizer_config.json` that are written again as they were.
    """

    lower_case: bool | None = None
    strip_accents: bool | None = None
    chinese_characters: bool | None = None
    keep_accents: bool | None = None
    add_prefix_space: bool | None = None
    special: Mapping[str, AddedToken] = field(default_factory=dict)
    extra_special: tuple[AddedToken, ...] = ()
    added: tuple[tuple[int, AddedToken], ...] = ()
    kept: Mapping[str, Any] = field(default_factory=dict)


def read_settings(folder: Path) -> Settings:
    """Reads the settings files of a folder; a folder without any gives settings that say nothing.

    Raises:
        ConfigError: a file is not JSON or a value has the wrong type; the line names file and key.
    """
    config = read_object(folder / CONFIG)
    tokens_map = read_object(folder / SPECIAL_TOKENS_MAP)
    # As transformers does it: the older map wins, unless the config already lists the added tokens itself.
    named = {**tokens_map, **config} if "added_tokens_decoder" in config else {**config, **tokens_map}
    path = folder / CONFIG
    _refuse_slow_options(path, config)
    special = {
        role: _token(path, f"{role}_token", named[f"{role}_token"]) for role in ROLES if named.get(f"{role}_token")
    }
    extra = named.get("extra_special_tokens") or named.get("additional_special_tokens") or []
    if isinstance(extra, dict):
        extra = list(extra.values())
    if not isinstance(extra, list):
        raise ConfigError(f"{path}: extra_special_tokens: a list is expected, not {extra!r}")
    return Settings(
        lower_case=_flag(path, config, "do_lower_case"),
        strip_accents=_flag(path, config, "strip_accents"),
        chinese_characters=_flag(path, config, "tokenize_chinese_chars"),
        keep_accents=_flag(path, config, "keep_accents"),
        add_prefix_space=_flag(path, config, "add_prefix_space"),
        special=special,
        extra_special=tuple(_token(path, "extra_special_tokens", token) for token in extra),
        added=_added_tokens(folder, config, {token.content for token in special.values()}),
        kept={key: config[key] for key in KEPT if key in config},
    )


def _flag(path: Path, config: Mapping[str, Any], key: str) -> bool | None:
    value = config.get(key)
    if value is None or isinstance(value, bool):
        return value
    raise ConfigError(f"{path}: {key}: true, false or null is expected, not {value!r}")


def _refuse_slow_options(path: Path, config: Mapping[str, Any]) -> None:
    """Two options of the Python-only tokenizer change tokens, and no fast tokenizer knows them: never ignore them."""
    remedy = "Remove the key if the model was trained without it; otherwise the model needs a tokenizer.json."
    if config.get("do_basic_tokenize") is False:
        raise ConfigError(f"{path}: do_basic_tokenize: false is not supported", remedy)
    if config.get("never_split"):
        raise ConfigError(f"{path}: never_split: a list of words is not supported", remedy)


def _token(path: Path, key: str, value: object, *, special: bool = True) -> AddedToken:
    """A token written as a string, or as an object with `content` and how it meets the text around it."""
    fields: Mapping[str, Any] = value if isinstance(value, dict) else {"content": value}
    content = fields.get("content")
    if not isinstance(content, str) or not content:
        raise ConfigError(f"{path}: {key}: a token is expected (a string, or an object with content), not {value!r}")
    special = bool(fields.get("special", special))
    return AddedToken(
        content,
        special=special,
        normalized=bool(fields.get("normalized", not special)),
        lstrip=bool(fields.get("lstrip", False)),
        rstrip=bool(fields.get("rstrip", False)),
        single_word=bool(fields.get("single_word", False)),
    )


def _added_tokens(folder: Path, config: Mapping[str, Any], special: set[str]) -> tuple[tuple[int, AddedToken], ...]:
    """Added tokens by rising id, from `added_tokens_decoder`, else from the older `added_tokens.json`."""
    path = folder / CONFIG
    if "added_tokens_decoder" in config:
        decoder = config["added_tokens_decoder"]
        if not isinstance(decoder, dict):
            raise ConfigError(f"{path}: added_tokens_decoder: an object is expected, not {decoder!r}")
        pairs = [
            (key, _token(path, f"added_tokens_decoder.{key}", value, special=False)) for key, value in decoder.items()
        ]
    else:
        path = folder / ADDED_TOKENS
        pairs = [(id, _token(path, token, token, special=token in special)) for token, id in read_object(path).items()]
    try:
        return tuple(sorted(((int(id), token) for id, token in pairs), key=lambda pair: pair[0]))
    except (TypeError, ValueError) as error:
        raise ConfigError(f"{path}: the id of an added token is not a whole number ({error})") from error
