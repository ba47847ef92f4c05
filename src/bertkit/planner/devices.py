"""What is known of devices, each figure with where it comes from; the table itself is `devices.toml`.

A figure that nobody published or measured is None, and whoever needs it says so: nothing is guessed here. What follows
from other figures by a rule (the rate of a precision, say) is in `rates.py`.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from bertkit.config.strict import Strict, parse
from bertkit.errors import ConfigError, UserError, near_match

TABLE = Path(__file__).with_name("devices.toml")

Evidence = Literal["measured", "published", "rule", "memory"]
Kind = Literal["gpu", "cpu", "apple"]
Above = Annotated[float, Field(gt=0.0, allow_inf_nan=False)]
Some = Annotated[int, Field(gt=0)]


class DeviceRow(Strict):
    """A device as a file has it.

    Attributes:
        line: which of the maker's lines of cards it belongs to, where a rule asks for that.
        generation: of the chip; of a CPU, the instructions that its rates are of.
        cores: of a CPU; its rates are those of one.
        fp16_tflops … int8_tflops: dense products, summed in float32 (or int32); of a CPU, as reached.
        launch_us: of a GPU, what starting one kernel takes, where that was measured.
        numbers_g_s: of a CPU's core, billions of numbers moved a second outside products, where that was measured.
        source: of the fields that stand in none of the lists after it.
    """

    name: str
    aliases: list[str] = Field(default_factory=list)
    kind: Kind
    line: str | None = None
    generation: str = "unknown"
    link: str | None = None
    cores: Some | None = None
    memory_gb: Above | None = None
    bandwidth_gb_s: Above | None = None
    fp16_tflops: Above | None = None
    bf16_tflops: Above | None = None
    tf32_tflops: Above | None = None
    fp32_tflops: Above | None = None
    fp8_tflops: Above | None = None
    int8_tflops: Above | None = None
    launch_us: Above | None = None
    numbers_g_s: Above | None = None
    watts: Above | None = None
    launched: str | None = None
    price_usd: Above | None = None
    source: str
    measured: list[str] = Field(default_factory=list)
    rule: list[str] = Field(default_factory=list)
    memory: list[str] = Field(default_factory=list)

    def evidence(self, field: str) -> Evidence:
        """How sure a figure of this row is."""
        lists: Mapping[Evidence, Sequence[str]] = {
            "measured": self.measured,
            "rule": self.rule,
            "memory": self.memory,
        }
        return next((label for label, fields in lists.items() if field in fields), "published")


class DeviceTable(Strict):
    """A file of devices, ours or a user's."""

    read_on: str = "unknown"
    device: list[DeviceRow] = Field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Device:
    """A device, or several of them that work together.

    Attributes:
        read_on: the date of the row's source.
        count: how many there are; of a CPU, how many cores.
    """

    row: DeviceRow
    read_on: str
    count: int = 1

    @property
    def name(self) -> str:
        """The row's name."""
        return self.row.name

    @property
    def title(self) -> str:
        """The name, and how many of it."""
        if self.row.kind == "cpu":
            return f"{self.name}, {self.count} core{'s' if self.count > 1 else ''}"
        return self.name if self.count == 1 else f"{self.count}x {self.name}"


@cache
def built_in() -> DeviceTable:
    """The table that comes with bertkit."""
    return _read(TABLE)


def _read(path: Path) -> DeviceTable:
    return parse(DeviceTable, _values(path), str(path))


def _values(path: Path) -> dict[str, object]:
    """What the file holds but prices, which are another table (`prices.py`)."""
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror}", "Name a TOML file of devices.") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: not TOML: {error}") from None
    return {key: value for key, value in values.items() if key != "price"}


def load_devices(overrides: Path | None = None) -> list[Device]:
    """Every known device.

    Args:
        overrides: a TOML file of `[[device]]` tables. One whose name is known replaces the fields that it gives.

    Raises:
        ConfigError: the file is no such table; it names the bad key.
    """
    ours = built_in()
    known = {_plain(row.name): Device(row, ours.read_on) for row in ours.device}
    if overrides is not None:
        for row in _completed(overrides, known):
            known[_plain(row.name)] = Device(row, "the user's own file")
    return list(known.values())


def _completed(path: Path, known: Mapping[str, Device]) -> list[DeviceRow]:
    """The rows of a user's file, what they leave out taken from the row of the same name."""
    values = _values(path)
    rows = values.get("device", [])
    if isinstance(rows, list) and all(isinstance(row, dict) for row in rows):
        before = [known.get(_plain(str(row.get("name", "")))) for row in rows]
        values["device"] = [row if b is None else _merged(b.row, row) for b, row in zip(before, rows, strict=True)]
    return parse(DeviceTable, values, str(path)).device


def _merged(before: DeviceRow, row: Mapping[str, object]) -> dict[str, object]:
    lists = {name: [f for f in getattr(before, name) if f not in row] for name in ("measured", "rule", "memory")}
    return {**before.model_dump(exclude_none=True), **lists, "source": f"{before.source}; changed by the user", **row}


def find_device(asked: str, devices: Sequence[Device]) -> Device:
    """The device that a user means: `RTX 3060`, `h100-sxm`, `8x A100`, `Xeon AMX:16` (cores).

    Raises:
        UserError: there is none such, or there are several.
    """
    count, name = _counted(asked)
    wanted = _plain(name)
    for device in devices:
        if wanted in map(_plain, (device.name, *device.row.aliases)):
            return _several(device, count, asked)
    words = [word for word in re.split(r"[^a-z0-9]+", name.lower()) if word and word not in _MAKERS]
    holding = [d for d in devices if words and all(_holds(d, word) for word in words)]
    if len(holding) == 1:
        return _several(holding[0], count, asked)
    names = [d.name for d in devices] + [alias for d in devices for alias in d.row.aliases]
    if holding:
        raise UserError(
            f"device {asked!r} may be {' or '.join(repr(d.name) for d in holding[:4])}", "Name one of them."
        )
    raise UserError(
        f"unknown device {asked!r}{near_match(name, names) or near_match(name.upper(), names)}",
        "`bertkit plan --devices` lists those that are known; --hardware FILE adds your own.",
    )


_MAKERS = {"nvidia", "geforce", "amd", "intel", "tesla", "quadro", "gpu", "card", "graphics"}


def _plain(name: str) -> str:
    words = [word for word in re.split(r"[^a-z0-9]+", name.lower()) if word and word not in _MAKERS]
    return "".join(words)


def _holds(device: Device, word: str) -> bool:
    return any(word in re.split(r"[^a-z0-9]+", name.lower()) for name in (device.name, *device.row.aliases))


def _counted(asked: str) -> tuple[int | None, str]:
    """How many, and of what: `8x A100`, `8 * A100`, `A100:8`."""
    if found := re.fullmatch(r"\s*(\d+)\s*(?:x|\u00d7|\*)\s*(.*?)\s*", asked, re.IGNORECASE):
        return int(found[1]), found[2]
    if found := re.fullmatch(r"\s*(.*?)\s*:\s*(\d+)\s*", asked):
        return int(found[2]), found[1]
    return None, asked.strip()


def _several(device: Device, count: int | None, asked: str) -> Device:
    if count == 0:
        raise UserError(f"{asked!r} is no device at all", "Give a count from 1 on.")
    return replace(device, count=count or device.row.cores or 1)
