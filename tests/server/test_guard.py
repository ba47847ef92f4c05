"""What is refused before any work, what is dropped when whoever asked has gone, and what is logged."""

from __future__ import annotations

import asyncio
import json
import logging
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from bertkit.server.access import key_hash
from bertkit.server.settings import Limits, Seconds
from tests.server.conftest import Client, Serve

ASK = {"model": "vectors", "rows": ["w1"]}
BODY = json.dumps(ASK).encode()


@pytest.fixture(scope="module")
def locked(serve_models: Serve) -> Client:
    return serve_models("vectors", key_hashes=(("ada", key_hash("right")),))


@pytest.mark.parametrize("path", ["/v1/predict", "/metrics", "/openapi.json", "/", "/nothing", "/healthy"])
def test_with_keys_everything_but_health_needs_one(locked: Client, path: str) -> None:
    for method in ("GET", "POST"):
        got = locked.send(method, path, BODY, authorization="Bearer wrong")
        assert got.status == 401
        assert got.headers["www-authenticate"].split()[0] == ("Basic" if path == "/" else "Bearer")
    assert locked.get("/health").status == locked.get("/health/live").status == 200


def test_a_key_opens_and_is_what_the_client_goes_by(locked: Client) -> None:
    assert locked.post("/v1/predict", ASK, authorization="Bearer right").status == 200
    assert locked.post("/v1/predict", ASK, x_api_key="right").status == 200


def test_another_sites_page_cannot_ask_through_a_browser(client: Client) -> None:
    for site in ("cross-site", "same-site"):
        assert client.post("/v1/predict", ASK, sec_fetch_site=site).status == 400
        assert client.get("/health", sec_fetch_site=site).status == 200, "a link may lead here"
    assert client.post("/v1/predict", ASK, sec_fetch_site="same-origin").status == 200


def test_a_request_to_another_host_is_refused(client: Client, serve_models: Serve) -> None:
    assert client.post("/v1/predict", ASK, host="evil.org").status == 400
    allowed = serve_models("vectors", hosts=("box.lan",))
    assert allowed.post("/v1/predict", ASK, host="box.lan:8000").status == 200


@pytest.fixture(scope="module")
def small(serve_models: Serve) -> Client:
    limits = Limits(body_bytes=200, texts=2)
    return serve_models("vectors", limits=limits, seconds=Seconds(body=0.05), queue_tokens=60)


def test_a_body_too_large_is_refused_whether_it_says_so_or_not(small: Client) -> None:
    got = small.post("/v1/predict", content=b" " * 201)
    assert (got.status, got.headers["connection"]) == (413, "close")
    status, _ = raw(small, [b"x" * 150, b"x" * 150], headers=[])
    assert status == 413


def test_a_body_that_is_late_or_compressed_is_refused(small: Client) -> None:
    status, _ = raw(small, [b"{", None])
    assert status == 408
    got = small.post("/v1/predict", content=BODY, content_encoding="gzip")
    assert got.status == 400


def test_too_many_texts_and_too_many_tokens_are_refused(small: Client) -> None:
    got = small.post("/v1/predict", {"rows": ["w1"] * 3})
    assert (got.status, got.body["error"]["message"]) == (413, "3 texts in one request; the most is 2")
    got = small.post("/v1/predict", {"rows": ["w " * 60], "long": "window"})
    assert got.status == 413
    assert "one can have 30" in got.body["error"]["message"]


@pytest.mark.parametrize(
    ("header", "value"),
    [
        ("x_priority", "urgent"),
        ("x_timeout_seconds", "soon"),
        ("x_timeout_seconds", "-1"),
        ("x_timeout_seconds", "nan"),
    ],
)
def test_headers_that_say_nothing_are_refused(client: Client, header: str, value: str) -> None:
    assert client.post("/v1/predict", ASK, **{header: value}).status == 400
    assert client.post("/v1/predict", ASK, x_priority="high", x_timeout_seconds="5").status == 200


DEEP = b'{"rows":' + b"[" * 100_000 + b"]" * 100_000 + b"}"


@pytest.mark.parametrize(
    "content",
    [
        *(b"", b"{", b"null", b"[]", b'"text"', b"1e999", DEEP, b'{"rows": [NaN]}', b'{"rows": ["\xff"]}'),
        *(b'{"rows": ["\\ud800"]}', b'{"rows": {}}', b'{"rows": []}', b'{"rows": [[]]}', b'{"rows": [1]}'),
        *(b'{"rows": [null]}', b'{"rows": ["w1"], "model": 5}', b'{"rows": ["w1"], "no": 1}', b"\x00" * 100),
        *(b'{"rows": [{"text": ["w1"]}]}', b'{"rows": [{"text": {"a": 1}}]}', b'{"rows": [{}]}', b'{"rows": [""]}'),
        *(b'{"rows": ["w1"], "options": {"prompt": 5}}', b'{"rows": ["w1"], "options": {"truncate_dim": -1}}'),
        *(b'{"rows": ["w1"], "options": {"normalize": 1.5}}', b'{"rows": ["w1"], "long": "cut"}'),
        *(b'{"rows": ["w1"], "task": "no"}', b'{"rows": [{"query": "w1", "documents": {}}]}'),
    ],
)
def test_whatever_is_no_request_is_told_so(client: Client, content: bytes) -> None:
    got = client.post("/v1/predict", content=content)
    assert 400 <= got.status < 500
    assert got.body["error"]["message"]
    assert got.body["error"]["remedy"]


def test_nothing_of_a_users_text_is_logged_counted_or_told(client: Client, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, logger="bertkit.server")
    bodies: list[Any] = [
        {"model": "vectors", "rows": ["secret"]},
        {"model": "vectors", "rows": ["secret " * 99]},
        {"model": "vectors", "rows": [{"txt": "secret"}]},
        {"model": "vectors", "rows": [["secret"]]},
        {"model": "vectors", "rows": "secret"},
        {"model": "entailment", "rows": [{"text": "secret", "candidate_labels": 5}]},
    ]
    got = [client.post("/v1/predict", body) for body in bodies]
    got.append(client.post("/secret", {}))
    assert [one.status for one in got] == [200, 413, 400, 400, 400, 400, 404]
    assert all(b"secret" not in one.content for one in got)
    assert "secret" not in caplog.text + client.get("/metrics").body
    line = json.loads(caplog.records[0].message)
    assert line.keys() == {"route", "status", "milliseconds", "model", "tokens", "queue"}


def raw(client: Client, parts: list[bytes | None], headers: Any = None, leaves: Any = None) -> tuple[int, bytes]:
    """Speaks ASGI by hand: parts of a body, None where nothing comes any more; `leaves`: an event, then gone."""
    sent: list[Any] = []
    coming: Iterator[bytes | None] = iter(parts)

    async def receive() -> dict[str, Any]:
        part = next(coming, None)
        if part is not None:
            return {"type": "http.request", "body": part, "more_body": leaves is None}
        if leaves is not None:
            await asyncio.to_thread(leaves.wait, 30)
            return {"type": "http.disconnect"}
        await asyncio.sleep(30)
        raise AssertionError("nobody stopped waiting")

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {
        "type": "http",
        "method": "POST",
        "path": "/v1/predict",
        "raw_path": b"/v1/predict",
        "query_string": b"",
        "headers": headers or [],
        "client": ("1.2.3.4", 5),
        "server": ("127.0.0.1", 8000),
        "scheme": "http",
        "http_version": "1.1",
        "root_path": "",
        "asgi": {"version": "3.0"},
    }
    asyncio.run(client.application.asgi(scope, receive, send))
    status = next((one["status"] for one in sent if one["type"] == "http.response.start"), 0)
    return status, b"".join(one.get("body", b"") for one in sent)


def test_work_for_those_who_have_gone_is_dropped(serve_models: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    client = serve_models("vectors")
    service = client.application.service
    assert service is not None
    lane = service.lanes[0]
    holds, began, run = threading.Event(), threading.Event(), lane.engine.backend.run
    batches: list[int] = []

    def held(batch: Any) -> Any:
        batches.append(len(batch.lengths))
        began.set()
        assert holds.wait(30)
        return run(batch)

    monkeypatch.setattr(lane.engine.backend, "run", held)
    first = threading.Thread(target=lambda: client.post("/v1/predict", ASK))
    first.start()
    assert began.wait(30)
    leaves = threading.Event()
    gone = threading.Thread(target=lambda: raw(client, [BODY], leaves=leaves))
    gone.start()
    while not lane.scheduler.ready:
        threading.Event().wait(0.001)
    leaves.set()
    gone.join()
    assert not lane.scheduler.waiting
    holds.set()
    first.join()
    assert client.post("/v1/predict", ASK).status == 200
    assert batches == [1, 1]


def test_one_who_leaves_before_all_is_said_is_not_answered(client: Client) -> None:
    leaves = threading.Event()
    leaves.set()
    assert raw(client, [], leaves=leaves) == (0, b"")


def test_a_defect_is_a_plain_500_and_says_where_in_the_log(
    serve_models: Serve, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    client = serve_models("vectors")
    assert client.application.service is not None

    def fails(*arguments: object) -> None:
        raise RuntimeError("secret")

    monkeypatch.setattr(client.application.service, "find", fails)
    got = client.post("/v1/predict", ASK)
    assert got.status == 500
    assert "RuntimeError at " in caplog.text
    assert "secret" not in caplog.text + str(got.body)
