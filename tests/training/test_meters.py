from __future__ import annotations

import time

import pytest
import torch

from bertkit.training.meters import Meters
from bertkit.training.ranks import Ranks
from bertkit.training.state import Progress
from bertkit.training.step import StepResult
from tests.training.in_process import CPU


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The time, which stands still unless it is changed."""
    now = [100.0]
    monkeypatch.setattr(time, "perf_counter", lambda: now[0])
    return now


@pytest.fixture
def meters(clock: list[float]) -> Meters:
    weights = {"fill-mask": 1.0, "next-sentence-prediction": 0.5}
    return Meters(
        Ranks(0, 1, CPU, None), weights, lambda: 3e-4, lambda lengths, counts: 100.0 * sum(lengths), peak=10_000.0
    )


def done(loss: float, masked: float, *, norm: float = 1.0) -> StepResult:
    sums = {
        "fill-mask/loss": torch.tensor(loss * masked),
        "fill-mask/correct": torch.tensor(masked / 4),
        "next-sentence-prediction/loss": torch.tensor(1.0),
    }
    return StepResult(sums, {"fill-mask": masked, "next-sentence-prediction": 2.0}, norm, None)


def test_a_record_has_means_over_all_targets(meters: Meters, clock: list[float]) -> None:
    meters.add(done(4.0, 10, norm=1.0), [3, 5])
    meters.add(done(1.0, 30, norm=2.0), [8, 4])
    clock[0] += 2.0
    progress = Progress(step=7, tokens=70, sequences=12)
    record = meters.take(progress)
    assert record["fill-mask/loss"] == pytest.approx((4.0 * 10 + 1.0 * 30) / 40)
    assert record["fill-mask/accuracy"] == 0.25
    assert record["next-sentence-prediction/loss"] == 0.5
    assert record["loss"] == pytest.approx(1.75 + 0.5 * 0.5)
    assert record["gradient_norm"] == 1.5
    assert record["learning_rate"] == 3e-4
    assert record["tokens_per_second"] == 10.0
    assert record["peak_share"] == pytest.approx(100.0 * 20 / 2.0 / 10_000.0)
    assert (record["step"], record["tokens"], record["sequences"], record["seconds"]) == (7, 70, 12, 2.0)
    assert 1e6 < float(str(record["memory_bytes"])) < 1e12


def test_a_record_is_of_the_steps_since_the_last(meters: Meters, clock: list[float]) -> None:
    progress = Progress()
    meters.add(done(4.0, 10), [8])
    clock[0] += 1.0
    meters.take(progress)
    meters.add(done(2.0, 10), [16])
    clock[0] += 4.0
    record = meters.take(progress)
    assert record["fill-mask/loss"] == 2.0
    assert record["tokens_per_second"] == 4.0
    assert record["seconds"] == 5.0


def test_what_is_left_out_is_no_training(meters: Meters, clock: list[float]) -> None:
    progress = Progress(seconds=50.0)  # of an earlier session
    meters.add(done(4.0, 10), [20])
    clock[0] += 2.0
    meters.read_clock(progress)  # a checkpoint says how long training took
    clock[0] += 7.0
    meters.leave_out(7.0)
    clock[0] += 3.0
    record = meters.take(progress)
    assert record["seconds"] == 55.0
    assert record["tokens_per_second"] == 4.0


def test_the_clock_begins_with_training(meters: Meters, clock: list[float]) -> None:
    clock[0] += 60.0
    meters.begin()
    meters.add(done(4.0, 10), [20])
    clock[0] += 2.0
    assert meters.take(Progress())["seconds"] == 2.0
