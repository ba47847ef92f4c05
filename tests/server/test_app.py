"""All routes under one roof: none answers without a key, none breaks on what is no request."""

from __future__ import annotations

from collections.abc import Mapping

import httpx2
import pytest

import bertkit
from bertkit.server.app import PROTOCOLS, Application
from bertkit.server.settings import ServeSettings
from bertkit.workflows.loadtest import LoadtestConfig, loadtest
from tests.server.conftest import Client

ROUTES = sorted(
    {(method, route.path) for protocol in PROTOCOLS for route in protocol.router.routes for method in route.methods}
)
POSTS = [path for method, path in ROUTES if method == "POST"]
BODIES = [
    b"",
    b"{",
    b"null",
    b"[]",
    b"{}",
    b'"x"',
    b"\xff\xfe",
    b'{"inputs": NaN}',
    b'{"a":' * 5_000,
    b'{"inputs":"\\ud800"}',
]


@pytest.mark.parametrize("path", POSTS)
def test_no_route_breaks_on_what_is_no_request(client: Client, path: str) -> None:
    for body in BODIES:
        got = client.post(path.replace("{name}", "vectors").replace("{version}", "1"), content=body)
        assert 400 <= got.status < 500, body
        assert isinstance(got.body, dict)
        assert set(got.body) & {"error", "message"}


def test_paths_are_each_one_protocols() -> None:
    assert len(ROUTES) == sum(len(route.methods) for protocol in PROTOCOLS for route in protocol.router.routes)


def test_another_method_and_another_path_are_told_so(client: Client) -> None:
    assert client.get("/v1/predict").status == 405
    assert client.get("/no/such/route").status == 404
    assert client.send("OPTIONS", "/v1/predict", b"").status == 405, "no other page's scripts may ask"


def test_an_application_without_models_is_live_but_not_ready() -> None:
    application = Application(ServeSettings())
    assert application.is_live
    assert not application.is_ready


def test_a_batch_that_takes_for_ever_makes_it_worth_replacing(client: Client) -> None:
    application = client.application
    assert application.service is not None
    worker = application.service.worker
    worker.busy_since = application._clock() - 1_000
    assert client.get("/health/live").status == 503
    worker.busy_since = None
    assert client.get("/health/live").status == 200


@pytest.mark.parametrize("route", ["predict", "openai"])
def test_a_load_test_finds_every_answer_right(client: Client, models: Mapping[str, bertkit.Model], route: str) -> None:
    rows = [{"text": " ".join(f"w{(n * k) % 11}" for k in range(1, n % 9 + 2))} for n in range(40)]
    records = [result.record() for result in models["vectors"].predict([row["text"] for row in rows])]
    config = LoadtestConfig(
        "http://127.0.0.1:8000", rows, route, "vectors", rates=(400.0,), seconds=0.2, expected=records
    )
    (step,) = loadtest(config, transport=httpx2.ASGITransport(app=client.application.asgi))
    assert step.verdicts == {"right": len(step.requests), "wrong": 0, "mixed up": 0}
