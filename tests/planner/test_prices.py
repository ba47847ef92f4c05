from __future__ import annotations

from pathlib import Path

import pytest

from bertkit.errors import ConfigError
from bertkit.planner.prices import load_prices, prices_of
from tests.planner.asked import DEVICES, device


def test_a_negative_price_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text('[[price]]\nprovider="a"\ndate="b"\nsource="c"\nevidence="rule"\n[price.usd_an_hour]\nT4 = -1.0\n')
    with pytest.raises(ConfigError, match="greater than 0"):
        load_prices(file)


def test_every_price_has_a_device_a_date_and_a_source() -> None:
    names = {device.name for device in DEVICES}
    for one in load_prices():
        assert set(one.usd_an_hour) <= names
        assert one.date.startswith("2026")
        assert one.source != "none" or one.evidence == "memory"


def test_prices_of_a_users_file_come_first(tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text('[[price]]\nprovider="a"\ndate="b"\nsource="c"\nevidence="rule"\n[price.usd_an_hour]\nT4 = 9.0\n')
    own, *built_in = prices_of(device("T4"), load_prices(file))
    assert (own.usd_an_hour, own.provider) == (9.0, "a")
    assert built_in == prices_of(device("T4"), load_prices())
    with pytest.raises(ConfigError, match="not a TOML file"):
        load_prices(tmp_path / "none.toml")
