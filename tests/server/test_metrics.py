"""Counts with few labels."""

from __future__ import annotations

from bertkit.server.metrics import Metrics, resident_bytes
from bertkit.server.service import Timing


def test_requests_are_counted_by_route_and_status() -> None:
    metrics = Metrics(lambda: None)
    metrics.request("/embed", 200, None, Timing("m", tokens=7, queue_seconds=0.2), 0.5)
    metrics.request("/embed", 429, "Overloaded", None, 0.001)
    metrics.request("/embed", 404, None, None, 0.001)
    lines = metrics.text().decode().splitlines()
    for line in (
        'bertkit_requests_total{route="/embed",status="429"} 1.0',
        'te_request_count{method="/embed"} 3.0',
        'te_request_success{method="/embed"} 1.0',
        'te_request_failure{err="Overloaded"} 1.0',
        'te_request_failure{err="404"} 1.0',
        "te_request_queue_duration_sum 0.2",
        "te_request_input_length_sum 7.0",
        "te_queue_size 0.0",
    ):
        assert line in lines


def test_memory_is_told() -> None:
    assert resident_bytes() > 1_000_000
