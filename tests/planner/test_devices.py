"""The table of devices: every figure says where it comes from, and a user's words find the right row."""

from __future__ import annotations

from pathlib import Path

import pytest

from bertkit.errors import ConfigError, UserError
from bertkit.planner.devices import Device, DeviceRow, find_device, load_devices
from bertkit.planner.prices import load_prices, prices_of

DEVICES = load_devices()
FIGURES = [
    name for name in DeviceRow.model_fields if name.endswith(("_gb", "_gb_s", "_tflops", "_usd")) or name == "watts"
]


def test_there_are_as_many_as_the_sources_have() -> None:
    assert len(DEVICES) >= 40
    assert {"RTX PRO 6000 Blackwell", "MI300X", "Apple M4 Max 32-core", "Xeon AMX", "Gaudi 3"} <= {
        d.name for d in DEVICES
    }


@pytest.mark.parametrize("device", DEVICES, ids=lambda device: device.name)
def test_every_figure_says_how_it_is_known(device: Device) -> None:
    row = device.row
    given = {name for name in FIGURES if getattr(row, name) is not None}
    listed = {*row.measured, *row.rule, *row.memory}
    assert len([*row.measured, *row.rule, *row.memory]) == len(listed)
    assert all(getattr(row, name) is not None for name in listed), "a list names a field that the row has not"
    if row.source.startswith("none"):  # then nothing of it is published
        assert given <= listed


def test_names_and_aliases_are_of_one_device_each() -> None:
    names = [name.lower() for device in DEVICES for name in {device.name, *device.row.aliases}]
    assert len(names) == len(set(names))


@pytest.mark.parametrize(
    ("asked", "name", "count"),
    [
        ("RTX 3060", "RTX 3060 12GB", 1),
        ("rtx3060", "RTX 3060 12GB", 1),
        ("NVIDIA GeForce RTX 3060 6 GB", "RTX 3060 Laptop 6GB", 1),
        ("h100-sxm", "H100 SXM", 1),
        ("8x A100", "A100 80GB SXM", 8),
        ("A100 40GB:4", "A100 40GB PCIe", 4),
        ("2 \u00d7 L40S", "L40S", 2),
        ("Tesla T4", "T4", 1),
        ("Xeon AMX:16", "Xeon AMX", 16),
        ("M4 Max", "Apple M4 Max 32-core", 1),
        ("b200", "B200 SXM", 1),
    ],
)
def test_a_device_is_found_by_what_people_call_it(asked: str, name: str, count: int) -> None:
    found = find_device(asked, DEVICES)
    assert (found.name, found.count) == (name, count)


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ("RTX 4091", "unknown device 'RTX 4091' .did you mean 'RTX 4090'"),
        ("L40", "did you mean 'L40S'"),
        ("PRO 5000 Blackwell", "may be 'RTX PRO 5000 Blackwell 48GB' or 'RTX PRO 5000 Blackwell 72GB'"),
        ("0x A100", "no device at all"),
        ("", "unknown device ''"),
    ],
)
def test_an_unknown_device_names_the_nearest(asked: str, message: str) -> None:
    with pytest.raises(UserError, match=message):
        find_device(asked, DEVICES)


def test_a_users_file_changes_and_adds(tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text(
        '[[device]]\nname = "RTX 3060 12GB"\nfp16_tflops = 24.0\nmeasured = ["fp16_tflops"]\n'
        '[[device]]\nname = "Own Card"\nkind = "gpu"\nmemory_gb = 10\nsource = "me"\n'
        '[[price]]\nprovider = "me"\ndate = "today"\nsource = "a bill"\nevidence = "measured"\n'
        '[price.usd_an_hour]\n"Own Card" = 0.5\n'
    )
    devices = load_devices(file)
    changed = find_device("3060", devices).row
    assert (changed.fp16_tflops, changed.evidence("fp16_tflops"), changed.memory_gb) == (24.0, "measured", 12)
    assert changed.source.endswith("changed by the user")
    own = find_device("own card", devices)
    assert own.row.memory_gb == 10
    assert [price.usd_an_hour for price in prices_of(own, load_prices(file))] == [0.5]
    assert len(devices) == len(DEVICES) + 1


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('[[device]]\nname = "T4"\nmemory = 12\n', "memory"),
        ('[[device]]\nname = "T4"\nmemory_gig = 12\n', "unknown key .*did you mean 'memory_gb'"),
        ('[[device]]\nname = "T4"\nmemory_gb = -1\n', "memory_gb.*greater than 0"),
        ('[[device]]\nname = "X"\nkind = "toaster"\nsource = "me"\n', "kind"),
        ("[[device]\n", "not TOML"),
        ("device = 3\n", "device"),
    ],
)
def test_a_bad_file_names_the_key(tmp_path: Path, text: str, message: str) -> None:
    file = tmp_path / "mine.toml"
    file.write_text(text)
    with pytest.raises(ConfigError, match=message):
        load_devices(file)


def test_a_missing_file_is_said(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="No such file"):
        load_devices(tmp_path / "none.toml")
