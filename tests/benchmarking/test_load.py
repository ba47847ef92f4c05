from __future__ import annotations

import pytest

from bertkit.benchmarking.load import busy_words, load_now


@pytest.mark.parametrize(
    ("load", "cores", "busy"), [(0.4, 2, False), (12.0, 2, True), (3.0, 8, False), (None, 1, False)]
)
def test_a_busy_machine(load: float | None, cores: int, busy: bool) -> None:
    words = busy_words(load, cores)
    assert (words is not None) == busy
    if words is not None:
        assert "load 12.0 on 2 cores" in words


def test_the_load_of_this_machine() -> None:
    load = load_now()
    assert load is None or load >= 0.0
