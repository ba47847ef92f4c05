from __future__ import annotations

import pytest

from bertkit.benchmarking.load_summary import LoadStep, percentile, percentiles
from bertkit.benchmarking.open_loop import Reply, SentRequest


def step(*given: tuple[float, float, str, str | None], seconds: float = 10.0) -> LoadStep:
    """Of (due, done, status, verdict)."""
    requests = [SentRequest(due, due + 0.001, done, Reply(status, verdict)) for due, done, status, verdict in given]
    return LoadStep(2.0, seconds, requests)


def test_percentiles_are_values_that_were_measured() -> None:
    values = [float(n) for n in range(1, 101)]
    assert [percentile(values, share) for share in (0.5, 0.95, 0.99, 0.999, 1.0)] == [50, 95, 99, 100, 100]
    assert percentile([7.0], 0.5) == 7.0
    assert percentiles([0.003, 0.001, 0.002])["p50"] == 2.0
    assert percentiles([]) == {}


def test_what_came_back_is_counted() -> None:
    found = step(
        (0.0, 0.5, "200", "right"),
        (1.0, 1.5, "200", "wrong"),
        (9.0, 12.0, "200", "mixed up"),
        (2.0, 2.01, "429", None),
        (3.0, 33.0, "timeout", None),
        (4.0, 4.5, "lost", None),
    ).record()
    assert found["statuses"] == {"200": 3, "429": 1, "lost": 1, "timeout": 1}
    assert found["checked"] == {"right": 1, "wrong": 1, "mixed up": 1}
    assert found["answered_a_second"] == 0.2  # one came after the end
    assert found["answered_milliseconds"]["max"] == 3000.0  # type: ignore[index]
    assert found["refused_milliseconds"]["max"] == pytest.approx(10.0)  # type: ignore[index]
    assert found["sent_late_milliseconds"]["p50"] == 1.0  # type: ignore[index]
    assert step((0.0, 0.5, "200", None)).record()["checked"] == {}


def test_it_keeps_up_where_nearly_all_is_answered_in_the_same_time() -> None:
    good = [(float(n), n + 0.1, "200", None) for n in range(9)]
    assert step(*good).keeps_up
    assert step(*good, (9.0, 9.1, "429", None)).keeps_up
    assert not step(*good, (9.0, 9.1, "429", None), (9.0, 10.5, "200", None)).keeps_up
