"""What the files beside a vocabulary say: letter case, names of the special tokens, added tokens, and the like.

Three files of the hub's layout are read, all optional: `tokenizer_config.json`, and of older folders
`special_tokens_map.json` and `added_tokens.json`. What each key is worth is in `keys.py`. Which file wins is what
transformers 5 says: a `tokenizer_config.json` that lists the added tokens itself is alone, else the older files count.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, get_args

from tokenizers import AddedToken

from bertkit.errors import ConfigError
from bertkit.tokenization.files import read_object
from bertkit.tokenization.keys import check_refused, unread

CONFIG = "tokenizer_config.json"
SPECIAL_TOKENS_MAP = "special_tokens_map.json"
ADDED_TOKENS = "added_tokens.json"
ROLES = ("pad", "unk", "cls", "sep", "mask")
# In the order in which those that a vocabulary lacks get ids, as in transformers.
NAMED = ("bos", "eos", "unk", "sep", "pad", "cls", "mask")

# Kept when a tokenizer is saved again; everything else is derived from the tokenizer itself.
KEPT = (
    "tokenizer_class",
    "model_max_length",
    "model_input_names",
    "padding_side",
    "truncation_side",
    "split_special_tokens",
)
Side = Literal["left", "right"]


@dataclass(frozen=True, slots=True)
class Settings:
    """The settings of a tokenizer folder; None means that no file says.

    Attributes:
        segments: whether the model is told which text of a pair a token is of.
        truncation_side: where tokens are dropped from a text that is too long and may be cut.
        split_special_tokens: special tokens that a text has are read as ordinary text.
        special: the token of each name in `NAMED` that a file gives.
        extra_special: further special tokens.
        added: tokens beside the vocabulary's own, with the id that the file gives each.
        lists_added: `tokenizer_config.json` lists the added tokens: what another file says of them does not count.
        unread: keys of `tokenizer_config.json` that nothing is known of.
        kept: keys of `tokenizer_config.json` that are written again as they were.
    """

    lower_case: bool | None = None
    strip_accents: bool | None = None
    chinese_characters: bool | None = None
    keep_accents: bool | None = None
    add_prefix_space: bool | None = None
    trim_offsets: bool | None = None
    segments: bool | None = None
    truncation_side: Side | None = None
    split_special_tokens: bool | None = None
    special: Mapping[str, AddedToken] = field(default_factory=dict)
    extra_special: tuple[AddedToken, ...] = ()
    added: tuple[tuple[int, AddedToken], ...] = ()
    lists_added: bool = False
    unread: tuple[str, ...] = ()
    kept: Mapping[str, Any] = field(default_factory=dict)


def read_settings(folder: Path) -> Settings:
    """Reads the settings files of a folder; a folder without any gives settings that say nothing.

    Raises:
        BadCheckpoint: a file is not JSON; the line names it.
        ConfigError: a value has the wrong type, or is one that is refused; the line names file and key.
    """
    path = folder / CONFIG
    config = read_object(path)
    check_refused(path, config)
    lists_added = "added_tokens_decoder" in config
    tokens_map = {} if lists_added else read_object(folder / SPECIAL_TOKENS_MAP)
    named = {**config, **tokens_map}
    special = {
        name: _token(path, f"{name}_token", named[f"{name}_token"]) for name in NAMED if named.get(f"{name}_token")
    }
    extra = _extra_special(path, named, config, tokens_map)
    return Settings(
        lower_case=_flag(path, config, "do_lower_case"),
        strip_accents=_flag(path, config, "strip_accents"),
        chinese_characters=_flag(path, config, "tokenize_chinese_chars"),
        keep_accents=_flag(path, config, "keep_accents"),
        add_prefix_space=_flag(path, config, "add_prefix_space"),
        trim_offsets=_flag(path, config, "trim_offsets"),
        segments=_segments(path, config),
        truncation_side=_side(path, config),
        split_special_tokens=_flag(path, config, "split_special_tokens"),
        special=special,
        extra_special=extra,
        added=_added_tokens(folder, config, {token.content for token in (*special.values(), *extra)}),
        lists_added=lists_added,
        unread=unread(config),
        kept={key: config[key] for key in KEPT if key in config},
    )


def _flag(path: Path, config: Mapping[str, Any], key: str) -> bool | None:
    value = config.get(key)
    if value is None or isinstance(value, bool):
        return value
    raise ConfigError(f"{path}: {key}: true, false or null is expected, not {value!r}")


def _segments(path: Path, config: Mapping[str, Any]) -> bool | None:
    """Whether `model_input_names` has the segments; a model that is not told of them has all tokens in the first."""
    names = config.get("model_input_names")
    if names is None:
        return None
    if not isinstance(names, list):
        raise ConfigError(f"{path}: model_input_names: a list is expected, not {names!r}")
    return "token_type_ids" in names


def _side(path: Path, config: Mapping[str, Any]) -> Side | None:
    side: Side | None = config.get("truncation_side")
    if side is not None and side not in get_args(Side):
        raise ConfigError(f"{path}: truncation_side: 'left' or 'right' is expected, not {side!r}")
    return side


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


def _extra_special(
    path: Path, named: Mapping[str, Any], config: Mapping[str, Any], tokens_map: Mapping[str, Any]
) -> tuple[AddedToken, ...]:
    """Special tokens with a name of their own (`entity_token`), then those of the lists; each once."""
    known = {f"{name}_token" for name in NAMED}
    own_names = {key: named[key] for key in named if key.endswith("_token") and key not in known}
    own = config.get("extra_special_tokens") or config.get("additional_special_tokens") or []
    older = tokens_map.get("extra_special_tokens") or ([] if own else tokens_map.get("additional_special_tokens")) or []
    with_name: list[object] = [value for value in own_names.values() if isinstance(value, str | dict)]
    listed: list[object] = []
    for group in (config.get("model_specific_special_tokens") or {}, own, older):
        if isinstance(group, dict):
            with_name += group.values()
        elif isinstance(group, list):
            listed += group
        else:
            raise ConfigError(f"{path}: extra_special_tokens: a list is expected, not {group!r}")
    tokens = [_token(path, "extra_special_tokens", value) for value in (*with_name, *listed)]
    return tuple({token.content: token for token in tokens}.values())


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
