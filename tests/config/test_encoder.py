from __future__ import annotations

import pytest
from pydantic import ValidationError

from bertkit.config.encoder import EncoderConfig
from bertkit.config.strict import parse
from bertkit.errors import ConfigError


def test_defaults_are_bert_base() -> None:
    config = EncoderConfig()
    assert (config.layers, config.head_width, config.max_length) == (12, 64, 512)


def test_a_config_cannot_be_changed() -> None:
    with pytest.raises(ValidationError):
        EncoderConfig().width = 3  # type: ignore[misc]


def test_steps_may_share_layers() -> None:
    assert EncoderConfig(layer_of_step=(0, 0, 1, 0)).layers == 2


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"widht": 768}, "file.toml: unknown key 'widht' (did you mean 'width'?)"),
        ({"positions": {"lenght": 5}}, "file.toml: unknown key 'positions.lenght' (did you mean 'length'?)"),
        ({"zzz": 1}, "file.toml: unknown key 'zzz'"),
        ({"width": 768.0}, "file.toml: 'width': Input should be a valid integer"),
        ({"width": 0}, "file.toml: 'width': Input should be greater than 0"),
        ({"heads": 7}, "file.toml: width 768 is not a multiple of heads 7"),
        (
            {"layer_of_step": (0, 2)},
            "file.toml: layer_of_step must use every layer from 0 on without a gap, not (0, 2)",
        ),
        ({"activation": "tanh"}, "file.toml: 'activation': Input should be 'gelu', 'gelu_tanh', 'relu' or 'silu'"),
        ({"hidden_dropout": 1.0}, "file.toml: 'hidden_dropout': Input should be less than 1"),
    ],
)
def test_bad_values_are_named(values: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse(EncoderConfig, values, "file.toml")
    assert str(caught.value) == message
