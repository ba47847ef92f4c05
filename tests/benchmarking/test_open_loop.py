from __future__ import annotations

import asyncio

import pytest

from bertkit.benchmarking.open_loop import Reply, SentRequest, send_all
from tests.benchmarking.virtual_time import run


def test_a_stall_is_counted_for_all_that_were_due_meanwhile() -> None:
    """A client that waits for its answer would have asked once in these ten seconds, and seen one slow answer."""
    server = asyncio.Lock()

    async def ask(number: int) -> Reply:
        async with server:
            await asyncio.sleep(10.0 if number == 0 else 0.0)
        return Reply("200")

    sent = run(send_all([float(second) for second in range(1, 9)], ask, 60.0))
    assert [one.sent - one.due for one in sent] == pytest.approx([0.0] * 8, abs=1e-3)
    assert [one.seconds for one in sent] == pytest.approx([10.0, 9.0, 8.0, 7.0, 6.0, 5.0, 4.0, 3.0], abs=1e-3)


def test_one_that_sends_late_counts_it_too() -> None:
    """Whoever asks may be held up as well, by what else it does with its processor."""
    clock = [0.0]

    async def ask(number: int) -> Reply:
        if number == 0:
            clock[0] += 5.0  # and nobody else gets on meanwhile
        return Reply("200")

    async def send() -> list[SentRequest]:
        loop = asyncio.get_running_loop()
        waited = loop.time
        loop.time = lambda: waited() + clock[0]  # type: ignore[method-assign]
        return await send_all([1.0, 2.0, 3.0], ask, 60.0)

    sent = run(send())
    assert [one.sent - one.due for one in sent] == pytest.approx([0.0, 4.0, 3.0], abs=1e-3)
    assert [one.seconds for one in sent] == pytest.approx([5.0, 4.0, 3.0], abs=1e-3)


def test_what_never_comes_is_given_up_after_its_patience() -> None:
    async def ask(number: int) -> Reply:
        await asyncio.sleep(1e9 if number == 0 else 1.0)
        return Reply("200")

    sent = run(send_all([0.5, 1.0], ask, 7.0))
    assert [one.reply.status for one in sent] == ["timeout", "200"]
    assert sent[0].seconds == pytest.approx(7.0, abs=1e-3)
