"""In this process; that several give the same is tried where they do real work, on a corpus."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from bertkit.tokenization.in_order import map_in_order

MADE: list[int] = []


def doubling() -> Callable[[int], int]:
    MADE.append(1)
    return lambda item: 2 * item


@pytest.fixture(autouse=True)
def _nothing_made() -> None:
    MADE.clear()


def test_results_come_in_order_and_what_makes_them_is_made_once() -> None:
    assert list(map_in_order(doubling, iter([3, 1, 2]), 1)) == [6, 2, 4]
    assert len(MADE) == 1
    assert list(map_in_order(doubling, [], 1)) == []


@pytest.mark.parametrize("items", [[], [7]])
def test_no_process_is_started_for_one_piece(items: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bertkit.tokenization.in_order.ProcessPoolExecutor", None)
    assert list(map_in_order(doubling, items, 8)) == [2 * item for item in items]


def test_pieces_are_taken_as_they_are_wanted() -> None:
    taken: list[int] = []

    def pieces() -> Iterator[int]:
        for number in range(9):
            taken.append(number)
            yield number

    results = map_in_order(doubling, pieces(), 1)
    assert [next(results), next(results), next(results)] == [0, 2, 4]
    assert taken == [0, 1, 2]
