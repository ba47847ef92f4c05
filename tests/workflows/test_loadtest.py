from __future__ import annotations

import asyncio
import json
from typing import Any

import httpx2
import pytest

from bertkit.errors import InputError, UserError
from bertkit.workflows.loadtest import LoadtestConfig, loadtest
from tests.benchmarking import virtual_time

ROWS = [{"text": f"w{number}"} for number in range(7)]
RECORDS = [{"value": float(number), "dtype": "float32"} for number in range(7)]


@pytest.fixture(autouse=True)
def _in_no_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("asyncio.run", virtual_time.run)


class Told:
    def __init__(self) -> None:
        self.lines: list[str] = []

    def say(self, line: str) -> None:
        self.lines.append(line)


def config(**given: Any) -> LoadtestConfig:
    return LoadtestConfig("http://box", **{"rows": ROWS, "seconds": 5.0, "rates": (2.0,), **given})


def counting(request: httpx2.Request) -> httpx2.Response:
    (row,) = json.loads(request.content)["rows"]
    return httpx2.Response(200, json={"records": [{"value": float(row["text"][1:])}]})


def test_each_rate_is_asked_and_every_row_in_turn() -> None:
    told: Any = Told()
    steps = loadtest(config(rates=(1.0, 4.0), expected=RECORDS), told, httpx2.MockTransport(counting))
    assert [one.rate for one in steps] == [1.0, 4.0]
    assert len(steps[1].requests) > len(steps[0].requests) > 0
    assert [one.verdicts["right"] for one in steps] == [len(one.requests) for one in steps]
    assert [line.partition(" a second")[0] for line in told.lines] == ["1", "4"]


def test_without_a_rate_it_doubles_until_the_server_does_not_keep_up() -> None:
    one_at_a_time = asyncio.Lock()

    async def handle(request: httpx2.Request) -> httpx2.Response:
        async with one_at_a_time:
            await asyncio.sleep(0.05)
        return httpx2.Response(200)

    steps = loadtest(config(rates=(), seconds=20.0), transport=httpx2.MockTransport(handle))
    assert [(one.rate, one.keeps_up) for one in steps] == [(4.0, True), (8.0, True), (16.0, True), (32.0, False)]


def test_what_cannot_be_asked_is_told_before() -> None:
    for given, words in (
        ({"expected": RECORDS[1:]}, "6 records for 7 rows"),
        ({"rows": []}, "nothing to ask"),
        ({"rates": (0.0,)}, "above 0"),
        ({"seconds": 0.0}, "above 0"),
    ):
        with pytest.raises((UserError, InputError), match=words):
            loadtest(config(**given))
