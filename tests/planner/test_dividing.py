from __future__ import annotations

from dataclasses import replace

from bertkit.planner.dividing import division
from bertkit.planner.plan import make_plan
from tests.planner.asked import ASKED, LARGE, TRAINED


def test_a_state_too_large_for_one_device_is_divided() -> None:
    huge = LARGE.model_copy(update={"width": 2048, "heads": 32, "ffn_width": 8192})
    plan = make_plan(replace(TRAINED, config=huge, batch=8))
    divided = division(plan)
    assert divided is not None
    assert divided.parallel == "fsdp"
    assert divided.bytes <= (plan.room or 0)
    assert division(make_plan(ASKED)) is None
