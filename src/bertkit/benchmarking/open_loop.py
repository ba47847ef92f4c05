"""Asks a server at times that are settled beforehand, whatever it does: an open loop.

A client that waits for an answer before it asks again asks a slow server less, and never sees the wait that it spared
itself (coordinated omission). Here each request has the time at which it was due, and what it took is counted from
then, even where the one who asks was late.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

LOST = "lost"  # no answer: the connection failed, or was cut
TIMEOUT = "timeout"


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back of one request.

    Attributes:
        status: of HTTP, or `lost`.
        verdict: of an answer that was checked: `right`, `wrong`, or `mixed up`, which is another text's.
    """

    status: str
    verdict: str | None = None


@dataclass(frozen=True, slots=True)
class SentRequest:
    """One request, in seconds from the start.

    Attributes:
        due: when it should have been sent.
        sent: when it was.
        done: when its answer was there, or it was given up.
    """

    due: float
    sent: float
    done: float
    reply: Reply

    @property
    def seconds(self) -> float:
        """From when it was due: what whoever asks would have waited."""
        return self.done - self.due


Ask = Callable[[int], Awaitable[Reply]]


async def send_all(arrivals: Sequence[float], ask: Ask, patience_seconds: float) -> list[SentRequest]:
    """Sends every request when it is due, and waits for all answers.

    Args:
        arrivals: seconds from now, ascending.
        ask: sends the request of a number, counted from 0.
        patience_seconds: after which an answer is not waited for any more.
    """
    loop = asyncio.get_running_loop()
    start = loop.time()

    async def one(number: int, due: float) -> SentRequest:
        sent = loop.time() - start
        try:
            async with asyncio.timeout_at(start + max(due, sent) + patience_seconds):
                reply = await ask(number)
        except TimeoutError:
            reply = Reply(TIMEOUT)
        return SentRequest(due, sent, loop.time() - start, reply)

    asking = []
    for number, due in enumerate(arrivals):
        await asyncio.sleep(max(start + due - loop.time(), 0.0))
        asking.append(asyncio.ensure_future(one(number, due)))
    return list(await asyncio.gather(*asking))
