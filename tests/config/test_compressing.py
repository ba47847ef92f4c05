from __future__ import annotations

import pytest

from bertkit.config.compressing import CompressConfig
from bertkit.config.strict import parse
from bertkit.errors import ConfigError


def test_int8_needs_data_and_half_does_not() -> None:
    assert parse(CompressConfig, {"model": "m", "output": "o", "to": "bf16"}, "compress").max_loss == 0.5
    with pytest.raises(ConfigError, match="calibrated and measured on labelled examples"):
        parse(CompressConfig, {"model": "m", "output": "o"}, "compress")
