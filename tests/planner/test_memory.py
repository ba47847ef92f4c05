"""What a process needs on a device, and the largest that fits there."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bertkit.families.catalogue import FAMILIES
from bertkit.planner.devices import Device, DeviceRow
from bertkit.planner.memory import largest, largest_batch, longest_sequence, needed, room
from bertkit.planner.plan import make_plan
from tests.planner.asked import ASKED, device


def test_the_largest_that_fits_is_the_largest() -> None:
    assert [largest(lambda n, most=most: n <= most) for most in (0, 1, 2, 3, 1000)] == [0, 1, 2, 3, 1000]
    plan = make_plan(ASKED)
    most = largest_batch(plan.work, ASKED.device, 512)
    free = room(ASKED.device)
    assert free is not None
    sizes = [needed(replace(plan.work, lengths=(512,) * n), ASKED.device).total for n in (most, most + 1)]
    assert sizes[0] <= free[0] < sizes[1]
    assert longest_sequence(plan.work, ASKED.device) == 512
    modern = replace(plan.work, config=FAMILIES["modernbert"].presets["large"], mode="fine-tuning")
    small = Device(DeviceRow(name="small", kind="gpu", memory_gb=8.5, source="a test"), "today")
    assert 1 < longest_sequence(modern, small) < 8192


def test_room_of_each_kind() -> None:
    for name, share in (("A100", 0.95), ("M4 Max", 0.75)):
        free = room(device(name))
        assert free is not None
        assert free[0] / (device(name).row.memory_gb or 1) / 2**30 == pytest.approx(share, abs=0.01)
    assert room(device("EPYC Zen 4")) is None
