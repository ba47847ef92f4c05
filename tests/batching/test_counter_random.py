from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

from bertkit.batching.counter_random import integers, mixed, uniform

N = 200_000
NUMBERS = np.arange(N)


def within(value: float, expected: float, error: float) -> bool:
    return abs(value - expected) < 4 * error


@pytest.mark.parametrize("seed", [0, 1, 2**63, -1])
def test_numbers_are_evenly_distributed(seed: int) -> None:
    drawn = uniform(seed, "stream", NUMBERS)
    assert drawn.min() >= 0.0
    assert drawn.max() < 1.0
    assert within(drawn.mean(), 0.5, (1 / 12 / N) ** 0.5)
    counts = np.bincount((drawn * 100).astype(int), minlength=100)
    chi_square = ((counts - N / 100) ** 2 / (N / 100)).sum()
    assert within(chi_square, 99, (2 * 99) ** 0.5)


@pytest.mark.parametrize("step", [1, 2, 64, 1 << 20, 1 << 32])
def test_neighbouring_counters_are_independent(step: int) -> None:
    drawn = uniform(7, "stream", 3, NUMBERS * step)
    for lag in (1, 2, 3):
        assert within(np.corrcoef(drawn[:-lag], drawn[lag:])[0, 1], 0.0, N**-0.5)


def test_streams_seeds_and_counters_are_independent() -> None:
    one = uniform(7, "a", 0, NUMBERS)
    others = [uniform(7, "b", 0, NUMBERS), uniform(8, "a", 0, NUMBERS), uniform(7, "a", 1, NUMBERS)]
    for other in [*others, uniform(7, "a", NUMBERS, 0)]:
        assert within(np.corrcoef(one[1:], other[1:])[0, 1], 0.0, N**-0.5)


def test_every_bit_of_a_counter_turns_half_of_the_bits() -> None:
    base = mixed(3, "bits", NUMBERS[:2000])
    for bit in range(64):
        other = mixed(3, "bits", NUMBERS[:2000].astype(np.uint64) ^ np.uint64(1 << bit))
        turned = np.bitwise_count(base ^ other).mean()
        assert within(turned, 32.0, (16 / 2000) ** 0.5 * 1.5)


def test_the_order_of_counters_counts_and_arrays_are_broadcast() -> None:
    assert mixed(1, 2, 3) != mixed(1, 3, 2)
    grid = uniform(5, np.arange(3)[:, None], np.arange(4))
    assert grid.shape == (3, 4)
    assert grid[2, 1] == uniform(5, 2, 1)
    assert len(np.unique(grid)) == 12


def test_bits_are_a_seed_for_further_counters() -> None:
    keys = mixed(9, "masks", np.arange(5))
    assert (uniform(keys, 4) == uniform(9, "masks", np.arange(5), 4)).all()


def test_integers_are_even_below_each_bound() -> None:
    drawn = integers(7, 1, "integers", NUMBERS)
    counts = np.bincount(drawn, minlength=7)
    assert len(counts) == 7
    assert ((counts - N / 7) ** 2 / (N / 7)).sum() < 6 + 4 * 12**0.5
    bounds = 1 + NUMBERS % 50
    assert (integers(bounds, 1, "bounds", NUMBERS) < bounds).all()
    assert not integers(1, 1, NUMBERS).any()


def test_numbers_are_the_same_in_another_process() -> None:
    program = "from bertkit.batching.counter_random import mixed; print(int(mixed(42, 'name', 1, -2)))"
    answers = {subprocess.run([sys.executable, "-c", program], capture_output=True, text=True).stdout for _ in "ab"}
    assert answers == {f"{int(mixed(42, 'name', 1, -2))}\n"}
