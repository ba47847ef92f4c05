"""Every key of the tokenizer's settings files has a verdict, and it is what transformers does with the key."""

from __future__ import annotations

import inspect
import json
import re
from pathlib import Path
from typing import Any

import pytest
import transformers
from transformers.models.bert.tokenization_bert_legacy import BertTokenizerLegacy
from transformers.tokenization_utils_base import PreTrainedTokenizerBase
from transformers.tokenization_utils_tokenizers import TokenizersBackend

from bertkit.errors import ConfigError
from bertkit.tokenization.keys import HARMLESS, HONOURED, REFUSED
from bertkit.tokenization.settings import read_settings
from tests.tokenization.peers import edit, make_folder, ours, theirs, write

CLASSES = (
    *("BertTokenizer", "DistilBertTokenizer", "ElectraTokenizer", "MPNetTokenizer", "RobertaTokenizer"),
    *("XLMRobertaTokenizer", "CamembertTokenizer", "AlbertTokenizer", "PreTrainedTokenizerFast"),
)
READERS = (
    PreTrainedTokenizerBase.__init__,
    PreTrainedTokenizerBase.from_pretrained,
    PreTrainedTokenizerBase._from_pretrained,
    TokenizersBackend.__init__,
    TokenizersBackend.convert_to_native_format,
    transformers.AutoTokenizer.from_pretrained,
)
# How its programs ask for a key.
ASKED = (
    r'kwargs\.(?:pop|get|setdefault)\(\s*"(\w+)"',
    r'kwargs\["(\w+)"\]',
    r'"(\w+)" (?:not )?in (?:init_)?kwargs',
    r'tokenizer_config(?:\.get\(|\[)"(\w+)"',
    r'"(\w+)" in tokenizer_config',
)
NO_KEYS = {"self", "args", "kwargs"}
MASK = {"content": "[MASK]", "lstrip": True, "rstrip": True, "normalized": False, "single_word": False}
# Of each honoured key: the kind of folder, its value, and what else the folder says.
HONOURED_CASES: dict[str, tuple[str, Any, dict[str, Any]]] = {
    "tokenizer_class": ("bert", "PreTrainedTokenizerFast", {"do_lower_case": False}),
    "do_lower_case": ("bert", False, {}),
    "strip_accents": ("bert", False, {}),
    "tokenize_chinese_chars": ("bert", False, {}),
    "keep_accents": ("albert", True, {}),
    "add_prefix_space": ("xlm-roberta", False, {}),
    "trim_offsets": ("roberta", False, {}),
    "model_input_names": ("bert", ["input_ids", "attention_mask"], {}),
    "truncation_side": ("bert", "left", {}),
    "split_special_tokens": ("bert", True, {}),
    "bos_token": ("xlm-roberta", "<unk>", {}),
    "eos_token": ("xlm-roberta", "<unk>", {}),
    "cls_token": ("bert", "[E1]", {}),
    "sep_token": ("roberta", "<unk>", {}),
    "unk_token": ("bert", "x", {}),
    "pad_token": ("mpnet", "<new>", {}),
    "mask_token": ("bert", "<new>", {}),
    "extra_special_tokens": ("bert", ["[E1]", "<s>"], {}),
    "additional_special_tokens": ("roberta", ["[E1]", "x"], {}),
    "model_specific_special_tokens": ("bert", {"entity": "[E1]"}, {}),
    "added_tokens_decoder": ("bert", {"4": MASK, "61": {"content": "lead"}}, {}),
}
# Values that transformers itself can take of keys that change nothing; "x" for the others.
HARMLESS_VALUES: dict[str, Any] = {
    "padding_side": "left",
    **dict.fromkeys(("pad_token_type_id", "max_length", "stride", "pad_to_multiple_of", "max_len"), 3),
    **dict.fromkeys(("do_basic_tokenize", "add_bos_token", "add_eos_token", "legacy", "from_slow"), False),
    **{key: ["the"] for key in ("never_split", "chat_control_tokens")},
    **{key: {} for key in ("auto_map", "sp_model_kwargs", "proxies")},
    **dict.fromkeys(("use_fast", "is_local", "local_files_only", "trust_remote_code", "verbose"), True),
    **dict.fromkeys(("tokenizer_truncation", "tokenizer_padding", "gguf_file", "tokenizer"), None),
}


def keys_of_transformers() -> set[str]:
    asked = {key for read in READERS for way in ASKED for key in re.findall(way, inspect.getsource(read))}
    classes = [BertTokenizerLegacy, *(getattr(transformers, name) for name in CLASSES)]
    taken = {name for kind in classes for name in inspect.signature(kind.__init__).parameters}
    return (asked | taken | set(PreTrainedTokenizerBase.SPECIAL_TOKENS_ATTRIBUTES)) - NO_KEYS


def test_every_key_has_one_verdict() -> None:
    tables = [HONOURED, HARMLESS, REFUSED]
    verdicts = {key: sum(key in table for table in tables) for key in keys_of_transformers()}
    assert len(verdicts) > 60
    assert {key for key, count in verdicts.items() if count != 1} == set()
    assert len({key for table in tables for key in table}) == sum(map(len, tables))
    assert all(reason for table in tables for reason in table.values())


def test_every_honoured_key_has_a_case() -> None:
    # That it is the limit of sentence embeddings: tests/pretrained/test_sentence_transformers.py.
    assert set(HONOURED_CASES) == set(HONOURED) - {"model_max_length"}


@pytest.mark.parametrize("key", HONOURED_CASES)
def test_an_honoured_key_changes_what_it_changes_in_transformers(key: str, tmp_path: Path) -> None:
    kind, value, rest = HONOURED_CASES[key]
    names = ["input_ids", "token_type_ids", "attention_mask"]
    folder = make_folder(tmp_path / "a", kind, model_input_names=names, **rest)
    before = ours(folder)
    edit(folder, "tokenizer_config.json", **{key: value})
    after = ours(folder)
    assert before != after
    assert after == theirs(folder)


@pytest.mark.parametrize("key", sorted(HARMLESS))
def test_a_harmless_key_changes_nothing(key: str, tmp_path: Path) -> None:
    folder = make_folder(tmp_path / "a", "bert", model_input_names=["input_ids", "token_type_ids"])
    before = ours(folder)
    edit(folder, "tokenizer_config.json", **{key: HARMLESS_VALUES.get(key, "x")})
    assert ours(folder) == before
    assert read_settings(folder).unread == ()


HANDED_ON = {
    "config",
    "_from_auto",
    "_from_pipeline",
    "_commit_hash",
    "code_revision",
    "use_auth_token",
    "fix_mistral_regex",
}


def test_the_harmless_keys_change_nothing_in_transformers(tmp_path: Path) -> None:
    """All at once, and those of them alone that its classes take from a file."""
    folder = make_folder(tmp_path / "a", "bert", model_input_names=["input_ids", "token_type_ids"])
    before = theirs(folder)
    edit(folder, "tokenizer_config.json", **{key: HARMLESS_VALUES.get(key, "x") for key in set(HARMLESS) - HANDED_ON})
    assert theirs(folder) == before == ours(folder)


@pytest.mark.parametrize("key", REFUSED)
def test_a_refused_key_is_named_with_what_to_do(key: str, tmp_path: Path) -> None:
    folder = make_folder(tmp_path / "a", "bert", **{key: ["x"]})
    with pytest.raises(ConfigError) as caught:
        read_settings(folder)
    assert str(caught.value) == f"{folder / 'tokenizer_config.json'}: {key}: not supported"
    assert caught.value.remedy == REFUSED[key]
    edit(folder, "tokenizer_config.json", **{key: None})
    read_settings(folder)


@pytest.mark.parametrize(("key", "value"), [("do_basic_tokenize", False), ("never_split", ["covid"])])
def test_the_class_in_python_reads_two_keys_more(key: str, value: object, tmp_path: Path) -> None:
    folder = make_folder(tmp_path / "a", "bert", **{key: value})
    assert ours(folder) == ours(edit(folder, "tokenizer_config.json", **{key: None}))
    edit(folder, "tokenizer_config.json", tokenizer_class="BertTokenizerLegacy", **{key: value})
    with pytest.raises(ConfigError, match=f"{key}: {re.escape(repr(value))} is not supported"):
        read_settings(folder)


def test_a_key_that_nothing_is_known_of_is_passed_over_and_listed(tmp_path: Path) -> None:
    folder = make_folder(tmp_path / "a", "bert", some_programs_note={"a": 1}, entity_token="<new>")
    assert read_settings(folder).unread == ("some_programs_note",)
    edit(folder, "tokenizer_config.json", model_input_names=["input_ids", "token_type_ids"])
    assert ours(folder) == theirs(folder)


OLDER_FILES = [
    ("special_tokens_map.json", {"mask_token": MASK | {"content": "<new>"}}),
    ("special_tokens_map.json", {"unk_token": "x"}),
    ("special_tokens_map.json", {"additional_special_tokens": ["[E1]", "<s>"]}),
    ("special_tokens_map.json", {"extra_special_tokens": ["[E1]", "<s>"]}),
    ("special_tokens_map.json", {"extra_special_tokens": {"entity_token": "[E1]"}}),
    ("special_tokens_map.json", {"entity_token": "[E1]"}),
    ("added_tokens.json", {"lead": 61, "a b": 62}),
]


@pytest.mark.parametrize(("name", "values"), OLDER_FILES, ids=str)
def test_the_older_files(name: str, values: dict[str, Any], tmp_path: Path) -> None:
    """They count where the configuration does not list the added tokens, and not a bit where it does."""
    names = ["input_ids", "token_type_ids", "attention_mask"]
    folder = make_folder(tmp_path / "a", "bert", model_input_names=names)
    before = ours(folder)
    write(folder, name, values)
    after = ours(folder)
    assert before != after
    assert after == theirs(folder)
    listed = {str(token["id"]): token for token in added_in_the_file(folder)}
    edit(folder, "tokenizer_config.json", added_tokens_decoder=listed)
    assert ours(folder) == before


def added_in_the_file(folder: Path) -> list[dict[str, Any]]:
    added: list[dict[str, Any]] = json.loads((folder / "tokenizer.json").read_text(encoding="utf-8"))["added_tokens"]
    return added
