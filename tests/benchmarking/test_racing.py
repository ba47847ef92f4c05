from __future__ import annotations

import pytest

from bertkit.benchmarking.cells import Batches
from bertkit.benchmarking.racing import LEAST_ROUNDS, TimedRounds, best_batch, race
from bertkit.errors import OutOfMemory
from tests.benchmarking.contestants import MadeUp


def work(size: int, turn: int) -> Batches:
    return [[10] * size]


def test_the_best_batch_is_the_fastest() -> None:
    assert best_batch(MadeUp(), (1, 2, 4, 8), work) == 8  # the fixed time is shared by more
    assert best_batch(MadeUp(batch_seconds=0.0), (1, 2, 4, 8), work) == 1


def test_the_search_ends_where_it_gets_slower_or_memory_ends() -> None:
    class Slowing(MadeUp):
        def seconds(self, batches: Batches) -> float:
            return super().seconds(batches) * (10 if len(batches[0]) > 2 else 1)

    slowing = Slowing()
    assert best_batch(slowing, (1, 2, 4, 8), work) == 2
    assert max(len(batches[0]) for batches in slowing.rounds) == 4
    assert best_batch(MadeUp(room=4), (1, 2, 4, 8), work) == 4
    with pytest.raises(OutOfMemory):
        best_batch(MadeUp(room=1), (2, 4), work)


def test_no_larger_batch_is_tried_after_one_that_takes_long() -> None:
    one = MadeUp(batch_seconds=4.0)
    assert best_batch(one, (1, 2, 4, 8), work, seconds=4.15) == 2
    assert max(len(batches[0]) for batches in one.rounds) == 2


def test_long_rounds_are_few() -> None:
    assert len(race({"a": MadeUp(batch_seconds=40.0)}, {"a": 1}, work, seconds=10.0)["a"].seconds) == 2
    assert len(race({"a": MadeUp(batch_seconds=3.0)}, {"a": 1}, work, seconds=10.0)["a"].seconds) == 5


def test_rounds_are_interleaved_and_the_first_does_not_count() -> None:
    order: list[str] = []

    class Noting(MadeUp):
        def __init__(self, name: str) -> None:
            super().__init__(batch_seconds=0.0, text_seconds=0.5)
            self.name = name

        def seconds(self, batches: Batches) -> float:
            order.append(self.name)
            return super().seconds(batches)

    found = race({"a": Noting("a"), "b": Noting("b")}, {"a": 1, "b": 4}, work, seconds=0.0)
    assert order[:6] == ["a", "b", "b", "a", "a", "b"]
    assert [len(one.seconds) for one in found.values()] == [LEAST_ROUNDS] * 2
    assert (found["a"].tokens_per_second, found["b"].tokens_per_second) == (20.0, 20.0)
    assert (found["b"].batch, found["b"].texts_per_second, found["b"].spread) == (4, 2.0, 0.0)


def test_it_lasts_as_long_as_asked() -> None:
    assert len(race({"a": MadeUp()}, {"a": 1}, work, seconds=20.0)["a"].seconds) >= 18


def test_the_spread_of_rounds() -> None:
    one = TimedRounds(1, tokens=[10] * 4, texts=[1] * 4, seconds=[1.0, 1.0, 2.0, 2.0])
    assert one.tokens_per_second == 7.5
    assert one.spread == pytest.approx(5 / 2 / 7.5)
    assert TimedRounds(1, [10], [1], [1.0]).spread == 0.0
