"""What nobody should send, and what should not happen: the server says so, and goes on answering."""

from __future__ import annotations

import contextlib
import io
import logging
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

import bertkit
from bertkit.inference.serving import served
from bertkit.server.run import log_to_stderr
from bertkit.server.settings import ServeSettings
from tests.server.conftest import Client
from tests.server.test_run import BODY, Live

WRONG: tuple[Any, ...] = (None, True, -1, 1e308, "", "x", [], [[]], {}, {"a": {}}, [None], ["\u0000"], 2**63, "\ufffe")


def examples(client: Client) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every route, and each example of its body."""
    told = client.get("/openapi.json").body
    for path, methods in told["paths"].items():
        for content in methods.get("post", {}).get("requestBody", {}).get("content", {}).values():
            schema = content["schema"]
            name = schema.get("$ref", "").rpartition("/")[2]
            for example in told["components"]["schemas"].get(name, schema).get("examples", []):
                yield path.replace("{name}", "vectors"), example


def spoilt(value: Any) -> Iterator[Any]:
    """The value with each of its parts, and it itself, replaced by what it should not be."""
    yield from WRONG
    if isinstance(value, dict):
        for name in value:
            for wrong in spoilt(value[name]):
                yield {**value, name: wrong}
            yield {other: kept for other, kept in value.items() if other != name}
    elif isinstance(value, list) and value:
        for wrong in spoilt(value[0]):
            yield [wrong, *value[1:]]


def test_no_part_of_a_request_that_is_something_else_is_a_defect(
    client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.CRITICAL)
    found = list(examples(client))
    assert len({path for path, _ in found}) > 15
    seen: set[str] = set()
    for path, example in found:
        for place, body in enumerate(spoilt(example)):
            # All of the first example of a route; of the others one in a few, each time others.
            if path in seen and place % 5 != len(seen) % 5:
                continue
            got = client.post(path, body)
            assert got.status < 500, (path, body, got.body)
        seen.add(path)


@pytest.mark.parametrize("text", ["a" * 200_000, "\u4e2d" * 20_000, "\u0301" * 20_000, "\U0001f600" * 5_000], ids=len)
def test_a_text_without_spaces_is_answered_or_refused(client: Client, text: str) -> None:
    for path, body in (
        ("/v1/predict", {"model": "vectors", "rows": [text]}),
        ("/v1/predict", {"model": "names", "rows": [text], "long": "window"}),
        ("/embed", {"inputs": text}),
        ("/v1/embeddings", {"input": text}),
        ("/rerank", {"query": text, "texts": [text]}),
    ):
        got = client.post(path, body)
        assert got.status < 500, (path, got.body)


@pytest.fixture
def full_disk() -> Iterator[None]:
    """Logs go to where nothing more can be written; afterwards all is as it was."""
    if not Path("/dev/full").exists():
        pytest.skip("there is no /dev/full")
    loggers = [logging.getLogger(name) for name in ("bertkit.server", "uvicorn")]
    kept = [(one, one.handlers[:], one.level, one.propagate) for one in loggers]
    raises = logging.raiseExceptions
    full = io.TextIOWrapper(io.FileIO("/dev/full", "w"), write_through=True)
    with contextlib.redirect_stderr(full):
        log_to_stderr(requests=True)
    yield
    logging.raiseExceptions = raises
    for one, handlers, level, propagate in kept:
        one.handlers[:], one.propagate = handlers, propagate
        one.setLevel(level)
    full.detach().close()


@pytest.mark.usefixtures("full_disk")
def test_a_full_disk_for_logs_stops_nobody(models: Mapping[str, bertkit.Model]) -> None:
    live = Live(lambda: [served("vectors", models["vectors"])], ServeSettings(port=0))
    for _ in range(3):
        connection = live.connect()
        connection.request("POST", "/v1/predict", BODY)
        response = connection.getresponse()
        assert (response.status, b"embedding" in response.read()) == (200, True)
        connection.close()
    live.end()
    live.listening.close()
    assert live.code == 0
