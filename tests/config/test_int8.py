from __future__ import annotations

import pytest

from bertkit.config.int8 import INPUTS, KEY, SCALE, base_of, says_int8
from bertkit.errors import ConfigError


def test_a_folder_says_that_it_is_int8() -> None:
    assert says_int8({KEY: {"schema_version": 1}}, "config.json")
    assert not says_int8({"model_type": "bert"}, "config.json")


@pytest.mark.parametrize(
    ("said", "message"),
    [
        (True, "'bertkit_int8' is not a JSON object"),
        ({"schema_version": 2}, "bertkit_int8: 'schema_version': Input should be 1"),
        ({"schema_versoin": 1}, "unknown key 'schema_versoin' .did you mean 'schema_version'"),
    ],
)
def test_what_it_does_not_know_is_refused(said: object, message: str) -> None:
    with pytest.raises(ConfigError, match=f"config.json: .*{message}"):
        says_int8({KEY: said}, "config.json")


def test_names_of_what_goes_with_a_weight() -> None:
    assert [base_of("a.weight" + ending) for ending in ("", SCALE, INPUTS)] == ["a.weight"] * 3
