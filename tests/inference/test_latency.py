from __future__ import annotations

import random

import pytest

from bertkit.inference.latency import LEAST_ROOM, MOST_ROOM, BatchTimes, LatencyTarget


def known(target: LatencyTarget, a_batch: float = 0.002, a_token: float = 0.0001) -> LatencyTarget:
    for tokens in (8, 64, 256, 1024):
        target.times.add(tokens, a_batch + a_token * tokens)
    return target


def test_times_are_fitted_to_batches() -> None:
    times, chance = BatchTimes(), random.Random(0)
    assert not times.is_known
    for _ in range(200):
        tokens = chance.randint(8, 2000)
        times.add(tokens, (0.004 + 0.0002 * tokens) * chance.uniform(0.9, 1.1))
    assert times.is_known
    assert times.seconds_a_batch == pytest.approx(0.004, abs=0.004)
    assert times.seconds_a_token == pytest.approx(0.0002, rel=0.05)
    assert times.seconds(times.tokens(0.1)) == pytest.approx(0.1, rel=0.01)


@pytest.mark.parametrize("samples", [[(64, 0.01)] * 4, [(8, 0.02), (64, 0.01), (8, 0.02), (64, 0.01)]])
def test_times_that_fit_no_line_are_so_many_a_token(samples: list[tuple[int, float]]) -> None:
    times = BatchTimes()
    for tokens, seconds in samples:
        times.add(tokens, seconds)
    assert times.seconds_a_batch == 0
    assert times.seconds_a_token > 0
    assert times.tokens(1e-9) == 1


def test_a_machine_that_becomes_slower_is_followed() -> None:
    target = known(LatencyTarget(0.1))
    fast = target.batch_tokens(10_000)
    for n in range(2_000):
        target.times.add(100 + n % 300, 0.004 + 0.0004 * (100 + n % 300))
    assert target.batch_tokens(10_000) == pytest.approx(fast / 4.5, rel=0.1)


def test_a_batch_takes_a_fifth_of_the_time_and_what_waits_the_rest() -> None:
    target = known(LatencyTarget(0.1))
    tokens = target.batch_tokens(10_000)
    assert target.times.seconds(tokens) == pytest.approx(0.02, rel=0.02)
    assert target.batch_tokens(64) == 64
    assert target.waiting_tokens(tokens) == pytest.approx((0.09 - 0.06) * tokens / 0.02, rel=0.05)
    unknown = LatencyTarget(0.1)
    assert (unknown.batch_tokens(512), unknown.waiting_tokens(512)) == (512, float("inf"))


def test_a_time_that_cannot_be_kept_lets_nothing_wait_and_does_not_compute_in_vain() -> None:
    target = known(LatencyTarget(0.001), a_batch=0.002, a_token=0.0001)
    assert target.batch_tokens(512) == pytest.approx(20, abs=1)
    assert target.waiting_tokens(20) == 0


def test_room_is_made_smaller_where_more_than_one_in_twenty_is_late() -> None:
    target = LatencyTarget(1.0)
    for n in range(4_000):
        target.answered(2.0 if n % 10 == 0 else 0.1)
    assert target.room < 1.1 * LEAST_ROOM
    for n in range(40_000):
        target.answered(2.0 if n % 40 == 0 else 0.1)
    assert target.room > 0.9 * MOST_ROOM
