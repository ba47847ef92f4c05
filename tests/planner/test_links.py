from __future__ import annotations

from dataclasses import replace

import pytest

from bertkit.errors import UserError
from bertkit.planner.links import link_bandwidth, summing_seconds
from bertkit.planner.plan import make_plan
from tests.planner.asked import TRAINED, device


def test_links() -> None:
    assert link_bandwidth(device("H100 SXM")) == 450e9
    assert link_bandwidth(device("MI300X")) is None
    assert summing_seconds(1e9, 2, 1e9) == 1.0
    with pytest.raises(UserError, match=r"unknown link 'nvlink6'.*did you mean 'nvlink"):
        link_bandwidth(device("A100"), "nvlink6")
    unknown = make_plan(replace(TRAINED, device=device("4x MI300X")))
    assert unknown.time is None
    assert "--link" in (unknown.unknown or "")
