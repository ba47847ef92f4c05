"""What batches take is tried beside the first requests, and known at the next start."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

import bertkit
from bertkit.inference.latency import LatencyTarget
from bertkit.inference.serving import served
from bertkit.server.probing import ROUNDS, TOKENS, latency_folder
from bertkit.server.service import Service
from bertkit.server.settings import ServeSettings
from bertkit.server.worker import LaneBatch

Start = Callable[..., tuple[Service, list[int]]]


@pytest.fixture
def start(models: Mapping[str, bertkit.Model], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Start:
    """Starts a service that should answer in so many seconds; it, and the tokens of the batches that it has tried."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))

    def start(seconds: float, name: str = "vectors") -> tuple[Service, list[int]]:
        tried: list[int] = []

        def watch(batch: LaneBatch, taken: float) -> None:
            tried.append(batch.tokens)

        service = Service([served("m", models[name])], ServeSettings(p95_seconds=seconds), watch=watch)
        service.start()
        assert service._probing is not None
        service._probing.join(60)
        service.close()
        return service, tried

    return start


def target_of(service: Service) -> LatencyTarget:
    target = service.lanes[0].scheduler.target
    assert target is not None
    return target


def test_batches_are_tried_once_and_known_at_the_next_start(start: Start) -> None:
    first, tried = start(10.0)
    assert sum(tried) >= ROUNDS * len(first.lanes) * sum(TOKENS) * 0.9
    assert target_of(first).times.is_known
    assert target_of(first).room == 1.0, "what was tried is no answer"
    assert len(list(latency_folder().glob("*.json"))) == len(first.lanes)
    again, tried = start(10.0)
    assert tried == []
    assert target_of(again).times.seconds(500) == pytest.approx(target_of(first).times.seconds(500), rel=0.3)
    assert start(10.0, "classes")[1], "another model is tried"


def test_what_cannot_be_read_is_tried_again(start: Start) -> None:
    start(10.0)
    for path in latency_folder().glob("*.json"):
        path.write_text(json.dumps([1]))
    assert start(10.0)[1]


def test_a_time_that_cannot_be_kept_is_told(start: Start, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", "bertkit.server")
    start(1e-6)
    assert "too slow for this target" in caplog.text
    assert '"p95_milliseconds": 0.001' in caplog.text


def test_where_nothing_can_be_kept_it_is_known_all_the_same(
    start: Start, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    service, tried = start(10.0)
    assert tried
    assert target_of(service).times.is_known
