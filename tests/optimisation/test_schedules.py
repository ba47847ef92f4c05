"""The learning rate over a run."""

from __future__ import annotations

from itertools import pairwise

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from transformers import get_cosine_schedule_with_warmup, get_linear_schedule_with_warmup
from transformers.optimization import get_wsd_schedule

from bertkit.config.training import Schedule
from bertkit.optimisation.schedules import rate

SHAPES = ["linear", "cosine", "stable", "constant"]
SCHEDULES = st.builds(
    Schedule,
    shape=st.sampled_from(SHAPES),
    warmup=st.floats(0, 1),
    decay=st.floats(0, 1),
    floor=st.floats(0, 1),
)


def rates(steps: int, **fields: object) -> list[float]:
    schedule = Schedule.model_validate(fields)
    return [rate(schedule, step, steps) for step in range(steps)]


def test_linear_by_hand() -> None:
    assert rates(8, shape="linear", warmup=0.5) == [0.25, 0.5, 0.75, 1.0, 1.0, 0.75, 0.5, 0.25]


def test_cosine_by_hand() -> None:
    assert rates(4, shape="cosine", warmup=0.0) == pytest.approx([1.0, 0.5 + 0.5**1.5, 0.5, 0.5 - 0.5**1.5])


def test_stable_by_hand() -> None:
    made = rates(10, shape="stable", warmup=0.2, decay=0.4)
    assert made == pytest.approx([0.5, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 0.75, 0.5, 0.25])


def test_constant_by_hand() -> None:
    assert rates(5, shape="constant", warmup=0.4, floor=0.5) == [0.5, 1.0, 1.0, 1.0, 1.0]


@pytest.mark.parametrize("shape", ["linear", "cosine", "stable"])
def test_the_floor_is_what_is_left_after_the_last_update(shape: str) -> None:
    schedule = Schedule.model_validate({"shape": shape, "floor": 0.25})
    assert rate(schedule, 99, 100) > 0.25
    assert rate(schedule, 100, 100) == pytest.approx(0.25)
    assert rate(schedule, 1000, 100) == pytest.approx(0.25)


def test_a_warm_up_of_the_whole_run_ends_at_one() -> None:
    assert rates(4, warmup=1.0) == [0.25, 0.5, 0.75, 1.0]


def test_without_a_warm_up_the_first_update_has_the_whole_rate() -> None:
    assert rates(2, warmup=0.0) == [1.0, 0.5]


def test_a_decay_longer_than_what_the_warm_up_leaves_begins_after_it() -> None:
    assert rates(4, shape="stable", warmup=0.5, decay=1.0) == [0.5, 1.0, 1.0, 0.5]


def test_a_stable_rate_without_decay_stays() -> None:
    assert rates(3, shape="stable", warmup=0.0, decay=0.0) == [1.0, 1.0, 1.0]


def theirs(name: str, steps: int, warm: int) -> list[float]:
    optimiser = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
    if name == "linear":
        made = get_linear_schedule_with_warmup(optimiser, warm, steps)
    elif name == "cosine":
        made = get_cosine_schedule_with_warmup(optimiser, warm, steps)
    else:
        down = steps // 4
        made = get_wsd_schedule(optimiser, warm, down, num_stable_steps=steps - warm - down, decay_type="linear")
    return [float(made.lr_lambdas[0](step)) for step in range(steps)]


@pytest.mark.parametrize("name", ["linear", "cosine", "stable"])
def test_after_the_warm_up_it_is_what_transformers_makes(name: str) -> None:
    ours = rates(80, shape=name, warmup=0.125, decay=0.25)
    assert ours[10:] == pytest.approx(theirs(name, 80, 10)[10:])


@given(SCHEDULES, st.integers(1, 2000), st.data())
def test_it_is_a_share_that_never_jumps_up_after_the_warm_up(
    schedule: Schedule, steps: int, data: st.DataObject
) -> None:
    step = data.draw(st.integers(0, steps - 1))
    now, after = rate(schedule, step, steps), rate(schedule, step + 1, steps)
    assert 0.0 <= now <= 1.0
    assert now > 0.0 or step >= round(schedule.warmup * steps)
    if step >= round(schedule.warmup * steps):
        assert after <= now + 1e-12


@given(st.sampled_from(SHAPES), st.floats(0, 0.5), st.floats(0.1, 0.5), st.floats(0, 1))
def test_neighbours_differ_little(shape: str, warmup: float, decay: float, floor: float) -> None:
    made = rates(1000, shape=shape, warmup=warmup, decay=decay, floor=floor)
    steepest = max(1 / max(round(warmup * 1000), 1), 1 / 100) + 1e-9
    assert max(abs(a - b) for a, b in pairwise(made)) <= steepest
