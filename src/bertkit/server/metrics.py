"""What a server counts, for Prometheus: its own names, and those that dashboards of text-embeddings-inference read.

Labels are routes, models, classes of errors and status codes: all from this program, so that there are few, and no word
of a user's.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, disable_created_metrics, generate_latest
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from bertkit.server.service import Service, Timing
from bertkit.server.worker import LaneBatch

SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
TOKENS = (8, 16, 32, 64, 128, 256, 512, 1_024, 2_048, 4_096, 8_192, 16_384, 32_768)
CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


class Metrics:
    """The counts of one server."""

    def __init__(self, service: Callable[[], Service | None]) -> None:
        disable_created_metrics()  # type: ignore[no-untyped-call]
        self.registry = CollectorRegistry()
        new: dict[str, Any] = {"registry": self.registry}
        self.requests = Counter("bertkit_requests", "Requests.", ["route", "status"], **new)
        self.seconds = Histogram("bertkit_request_seconds", "Of requests.", ["route"], buckets=SECONDS, **new)
        self.reloads = Counter("bertkit_reloads", "Exchanges of all models.", ["result"], **new)
        self.batch_tokens = Histogram("bertkit_batch_tokens", "Of batches.", ["model"], buckets=TOKENS, **new)
        self.batch_windows = Histogram("bertkit_batch_windows", "Of batches.", ["model"], buckets=TOKENS, **new)
        self.batch_seconds = Histogram("bertkit_batch_seconds", "Of batches.", ["model"], buckets=SECONDS, **new)
        # Counts, but a `Counter` would put `_total` behind names that others have settled.
        self.te_count = Gauge("te_request_count", "Requests.", ["method"], **new)
        self.te_success = Gauge("te_request_success", "Requests that were answered.", ["method"], **new)
        self.te_failure = Gauge("te_request_failure", "Requests that were not.", ["err"], **new)
        self.te_parts = {
            name: Histogram(f"te_request_{name}", "Seconds.", buckets=SECONDS, **new)
            for name in ("duration", "tokenization_duration", "queue_duration", "inference_duration")
        }
        self.te_input = Histogram("te_request_input_length", "Tokens.", buckets=TOKENS, **new)
        self.te_batch_size = Histogram("te_batch_next_size", "Texts of batches.", buckets=TOKENS, **new)
        self.te_batch_tokens = Histogram("te_batch_next_tokens", "Tokens of batches.", buckets=TOKENS, **new)
        self.registry.register(_Now(service))

    def batch(self, batch: LaneBatch, seconds: float) -> None:
        """A batch was computed."""
        windows = sum(len(one.windows) for _, one in batch.slices)
        self.batch_tokens.labels(batch.lane.name).observe(batch.tokens)
        self.batch_windows.labels(batch.lane.name).observe(windows)
        self.batch_seconds.labels(batch.lane.name).observe(seconds)
        self.te_batch_size.observe(windows)
        self.te_batch_tokens.observe(batch.tokens)

    def request(self, route: str, status: int, error: str | None, timing: Timing | None, seconds: float) -> None:
        """A request was answered, or refused.

        Args:
            route: as it is declared, without what stood in the path.
            error: the class of what went wrong.
        """
        self.requests.labels(route, str(status)).inc()
        self.seconds.labels(route).observe(seconds)
        self.te_count.labels(route).inc()
        if status < 400:
            self.te_success.labels(route).inc()
        else:
            self.te_failure.labels(error or str(status)).inc()
        if timing is not None:
            self.te_parts["duration"].observe(seconds)
            self.te_parts["tokenization_duration"].observe(timing.tokenization_seconds)
            self.te_parts["queue_duration"].observe(timing.queue_seconds)
            self.te_parts["inference_duration"].observe(timing.inference_seconds)
            self.te_input.observe(timing.tokens)

    def text(self) -> bytes:
        """All of it, as Prometheus reads it."""
        return generate_latest(self.registry)


class _Now(Collector):
    """What is so at the moment that anyone asks."""

    def __init__(self, service: Callable[[], Service | None]) -> None:
        self._service = service

    def collect(self) -> Iterator[Metric]:
        tokens = GaugeMetricFamily("bertkit_queue_tokens", "Tokens that wait.", labels=["model"])
        clients = GaugeMetricFamily("bertkit_queue_clients", "Clients that wait.", labels=["model"])
        budget = GaugeMetricFamily("bertkit_budget_tokens", "Most of a batch.", labels=["model"])
        jobs = 0
        service = self._service()
        for lane in service.lanes if service else ():
            tokens.add_metric([lane.name], lane.scheduler.waiting)
            clients.add_metric([lane.name], lane.scheduler.clients)
            budget.add_metric([lane.name], lane.scheduler.batch_tokens)
            jobs += len(lane.jobs)
        yield tokens
        yield clients
        yield budget
        yield GaugeMetricFamily("te_queue_size", "Requests that wait.", value=jobs)
        # Tokens that are computed for nobody: of packed batches none are.
        yield GaugeMetricFamily("bertkit_padding_tokens", "Tokens of padding.", value=0)
        if service is not None:
            windows = CounterMetricFamily("bertkit_windows", "By where their outputs came from.", labels=["source"])
            for source in ("computed", "in flight", "cache"):
                windows.add_metric([source], service.shared.counts[source])
            yield windows
            yield GaugeMetricFamily("bertkit_cache_bytes", "Of outputs kept.", value=service.shared.cache.bytes)
        yield GaugeMetricFamily("bertkit_resident_bytes", "Memory of the process.", value=resident_bytes())


def resident_bytes() -> int:
    """Memory that the process has; 0 where the system does not say."""
    try:
        return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError):
        return 0
