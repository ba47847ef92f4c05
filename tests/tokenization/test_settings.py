"""The settings files: which file wins, and what each wrong value says."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from bertkit.errors import BadCheckpoint, ConfigError
from bertkit.tokenization.settings import Settings, read_settings


def settings_of(folder: Path, **files: Any) -> Settings:
    for name, content in files.items():
        (folder / f"{name}.json").write_text(json.dumps(content), encoding="utf-8")
    return read_settings(folder)


def test_no_files_say_nothing(tmp_path: Path) -> None:
    assert settings_of(tmp_path) == Settings()


def test_flags_and_kept_keys(tmp_path: Path) -> None:
    config = {"do_lower_case": False, "strip_accents": None, "model_max_length": 512, "name_or_path": "/home/someone"}
    settings = settings_of(tmp_path, tokenizer_config=config)
    assert (settings.lower_case, settings.strip_accents, settings.chinese_characters) == (False, None, None)
    assert settings.kept == {"model_max_length": 512}


def test_the_older_map_wins_unless_the_config_lists_added_tokens(tmp_path: Path) -> None:
    older = {"mask_token": {"content": "<old>", "lstrip": True}}
    settings = settings_of(tmp_path, tokenizer_config={"mask_token": "<new>"}, special_tokens_map=older)
    assert settings.special["mask"].content == "<old>"
    assert settings.special["mask"].lstrip
    settings = settings_of(tmp_path, tokenizer_config={"mask_token": "<new>", "added_tokens_decoder": {}})
    assert settings.special["mask"].content == "<new>"
    assert settings.special["mask"].special
    assert not settings.special["mask"].normalized


def test_added_tokens_come_by_rising_id(tmp_path: Path) -> None:
    decoder = {"11": {"content": "b", "single_word": True}, "9": {"content": "a", "special": True}}
    added = settings_of(tmp_path, tokenizer_config={"added_tokens_decoder": decoder}).added
    assert [(id, token.content, token.special, token.normalized) for id, token in added] == [
        (9, "a", True, False),
        (11, "b", False, True),
    ]
    assert added[1][1].single_word


def test_added_tokens_of_the_older_file(tmp_path: Path) -> None:
    settings = settings_of(tmp_path, added_tokens={"b": 8, "<m>": 7}, special_tokens_map={"mask_token": "<m>"})
    assert [(id, token.content, token.special) for id, token in settings.added] == [(7, "<m>", True), (8, "b", False)]


@pytest.mark.parametrize("key", ["extra_special_tokens", "additional_special_tokens"])
@pytest.mark.parametrize("value", [["<e>"], [{"content": "<e>"}]])
def test_further_special_tokens(key: str, value: object, tmp_path: Path) -> None:
    (token,) = settings_of(tmp_path, tokenizer_config={key: value}).extra_special
    assert (token.content, token.special) == ("<e>", True)


def test_further_special_tokens_of_several_places(tmp_path: Path) -> None:
    """Those with names of their own first, then the lists; the older file adds to a list and replaces no other key."""
    config = {"entity_token": "<n>", "extra_special_tokens": ["<a>"], "model_specific_special_tokens": {"x": "<m>"}}
    older = {"extra_special_tokens": ["<b>", "<a>"], "additional_special_tokens": ["<c>"]}
    settings = settings_of(tmp_path, tokenizer_config=config, special_tokens_map=older)
    assert [token.content for token in settings.extra_special] == ["<n>", "<m>", "<a>", "<b>"]


def test_the_older_files_do_not_count_beside_a_list(tmp_path: Path) -> None:
    older = {"mask_token": "<m>", "extra_special_tokens": ["<b>"]}
    listed = {"added_tokens_decoder": {}}
    settings = settings_of(tmp_path, tokenizer_config=listed, special_tokens_map=older, added_tokens={"a": 3})
    assert (dict(settings.special), settings.extra_special, settings.added) == ({}, (), ())


@pytest.mark.parametrize(("names", "segments"), [(["input_ids"], False), (["token_type_ids"], True), (None, None)])
def test_segments(names: list[str] | None, segments: bool | None, tmp_path: Path) -> None:
    assert settings_of(tmp_path, tokenizer_config={"model_input_names": names}).segments is segments


def test_further_special_tokens_by_name(tmp_path: Path) -> None:
    (token,) = settings_of(tmp_path, tokenizer_config={"extra_special_tokens": {"entity_token": "<e>"}}).extra_special
    assert token.content == "<e>"


EXTRA = "extra_special_tokens: a token is expected (a string, or an object with content), not {}"


@pytest.mark.parametrize(
    ("config", "says"),
    [
        ({"do_lower_case": "yes"}, "do_lower_case: true, false or null is expected, not 'yes'"),
        ({"strip_accents": 1}, "strip_accents: true, false or null is expected, not 1"),
        ({"tokenize_chinese_chars": []}, "tokenize_chinese_chars: true, false or null is expected, not []"),
        ({"add_prefix_space": "no"}, "add_prefix_space: true, false or null is expected, not 'no'"),
        ({"split_special_tokens": 1}, "split_special_tokens: true, false or null is expected, not 1"),
        ({"truncation_side": "both"}, "truncation_side: 'left' or 'right' is expected, not 'both'"),
        ({"model_input_names": "input_ids"}, "model_input_names: a list is expected, not 'input_ids'"),
        ({"extra_special_tokens": [3]}, EXTRA.format(3)),
        ({"model_specific_special_tokens": {"entity_token": None}}, EXTRA.format(None)),
        ({"mask_token": 3}, "mask_token: a token is expected (a string, or an object with content), not 3"),
        (
            {"cls_token": {"id": 1}},
            "cls_token: a token is expected (a string, or an object with content), not {'id': 1}",
        ),
        ({"extra_special_tokens": "<e>"}, "extra_special_tokens: a list is expected, not '<e>'"),
        ({"added_tokens_decoder": ["a"]}, "added_tokens_decoder: an object is expected, not ['a']"),
        (
            {"added_tokens_decoder": {"7": "a", "x": {"content": "b"}}},
            "the id of an added token is not a whole number (invalid literal for int() with base 10: 'x')",
        ),
        (
            {"added_tokens_decoder": {"7": {}}},
            "added_tokens_decoder.7: a token is expected (a string, or an object with content), not {}",
        ),
    ],
)
def test_wrong_values(config: dict[str, Any], says: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        settings_of(tmp_path, tokenizer_config=config)
    assert str(caught.value) == f"{tmp_path / 'tokenizer_config.json'}: {says}"
    assert caught.value.remedy


def test_a_wrong_id_in_the_older_file(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"added_tokens\.json: the id of an added token is not a whole number"):
        settings_of(tmp_path, added_tokens={"b": None})


@pytest.mark.parametrize("name", ["tokenizer_config", "special_tokens_map", "added_tokens"])
def test_a_half_written_file(name: str, tmp_path: Path) -> None:
    (tmp_path / f"{name}.json").write_text('{\n"mask_token": ', encoding="utf-8")
    with pytest.raises(BadCheckpoint, match=rf"{name}\.json:2: not JSON"):
        read_settings(tmp_path)
