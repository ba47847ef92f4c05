"""What an hour of a device costs, bought or rented; the table is `prices.toml`, and a user's file adds to it."""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from pydantic import Field

from bertkit.config.strict import Strict, parse
from bertkit.errors import ConfigError
from bertkit.planner.devices import Above, Device, Evidence

TABLE = Path(__file__).with_name("prices.toml")


class PriceList(Strict):
    """Prices that stood on one page on one day.

    Attributes:
        usd_an_hour: by the name of the device; of a CPU, of one core.
    """

    provider: str
    date: str
    source: str
    evidence: Evidence
    usd_an_hour: dict[str, Above]


class PriceTable(Strict):
    """A file of price lists. A user's file of devices may hold some too."""

    price: list[PriceList] = Field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Price:
    """Of one device (of a CPU, one core) for an hour, in US dollars."""

    usd_an_hour: float
    provider: str
    date: str
    source: str
    evidence: Evidence


@cache
def built_in() -> tuple[PriceList, ...]:
    """The lists that come with bertkit."""
    return tuple(parse(PriceTable, tomllib.loads(TABLE.read_text(encoding="utf-8")), str(TABLE)).price)


def load_prices(overrides: Path | None = None) -> tuple[PriceList, ...]:
    """Every known list.

    Args:
        overrides: a TOML file of `[[price]]` tables, which come before ours.

    Raises:
        ConfigError: the file has a price that is none, or an unknown key.
    """
    if overrides is None:
        return built_in()
    try:
        values = tomllib.loads(overrides.read_text(encoding="utf-8"))
    except (OSError, tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{overrides}: not a TOML file: {error}") from None
    own = parse(PriceTable, {"price": values.get("price", [])}, str(overrides))
    return (*own.price, *built_in())


def prices_of(device: Device, lists: Sequence[PriceList]) -> list[Price]:
    """What renting the device costs, in the order of the lists; empty where nobody says."""
    return [
        Price(one.usd_an_hour[device.name], one.provider, one.date, one.source, one.evidence)
        for one in lists
        if device.name in one.usd_an_hour
    ]
