from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

import httpx2
import pytest

from bertkit.benchmarking.answer_check import AnswerCheck
from bertkit.benchmarking.open_loop import Reply
from bertkit.benchmarking.server_client import ServerClient
from bertkit.errors import UserError

ROWS = [{"text": "a"}, {"text": "b"}]
RECORDS = [{"value": 1.0, "dtype": "float32"}, {"value": 2.0, "dtype": "float32"}]
Handle = Callable[[httpx2.Request], httpx2.Response]


def ask(handle: Handle, *numbers: int, check: AnswerCheck | None = None) -> list[Reply]:
    async def ask_all() -> list[Reply]:
        transport = httpx2.MockTransport(handle)
        async with ServerClient("box:1", "predict", ROWS, key="k", check=check, transport=transport) as client:
            return [await client.ask(number) for number in numbers]

    return asyncio.run(ask_all())


def test_rows_go_round_with_a_key_and_answers_are_checked() -> None:
    seen: list[Any] = []

    def handle(request: httpx2.Request) -> httpx2.Response:
        seen.append((str(request.url), request.headers["authorization"], json.loads(request.content)["rows"][0]))
        return httpx2.Response(200, json={"records": [{"value": 1.0}]})

    replies = ask(handle, 0, 1, 2, check=AnswerCheck(RECORDS))
    assert seen == [("http://box:1/v1/predict", "Bearer k", row) for row in (ROWS[0], ROWS[1], ROWS[0])]
    assert [one.verdict for one in replies] == ["right", "mixed up", "right"]


@pytest.mark.parametrize("content", [b"no JSON", b"[]", b'{"records": []}', b'{"records": [3]}', b"\xff"])
def test_an_answer_that_is_none_is_wrong(content: bytes) -> None:
    (reply,) = ask(lambda request: httpx2.Response(200, content=content), 0, check=AnswerCheck(RECORDS))
    assert reply == Reply("200", "wrong")


def test_what_is_refused_or_cut_off_is_told_apart() -> None:
    def fail(request: httpx2.Request) -> httpx2.Response:
        raise httpx2.ReadError("cut")

    assert ask(lambda request: httpx2.Response(429), 0) == [Reply("429")]
    assert ask(fail, 0) == [Reply("lost")]


@pytest.mark.parametrize(
    ("handle", "words"),
    [
        (lambda request: httpx2.Response(401, text="no\nkey"), "http://box:1/v1/predict: 401: no key"),
        (lambda request: exec("raise error", {"error": httpx2.ConnectError("nobody")}), "no answer: nobody"),
    ],
)
def test_a_mistake_is_told_once_before_anything_is_measured(handle: Handle, words: str) -> None:
    async def try_once() -> None:
        transport = httpx2.MockTransport(handle)
        async with ServerClient("box:1", "predict", ROWS, transport=transport) as client:
            await client.try_once()

    with pytest.raises(UserError, match=words):
        asyncio.run(try_once())
