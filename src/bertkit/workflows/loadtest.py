"""A load test: requests at rates that are settled beforehand, and what became of them."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import Any

import httpx2

from bertkit.benchmarking.answer_check import AnswerCheck
from bertkit.benchmarking.arrivals import poisson_arrivals
from bertkit.benchmarking.load_summary import LoadStep
from bertkit.benchmarking.open_loop import send_all
from bertkit.benchmarking.sent_texts import mixed_texts
from bertkit.benchmarking.server_client import ServerClient
from bertkit.errors import InputError, UserError
from bertkit.workflows.observer import SILENT, Observer

MADE_TEXTS = 1_000
FIRST_RATE = 4.0  # of a sweep, each next one twice as many
MOST_STEPS = 16


@dataclass(frozen=True, slots=True)
class LoadtestConfig:
    """What is asked, how often, and what is expected.

    Attributes:
        rows: fields of each, asked in turn; texts of mixed lengths when left out.
        rates: requests a second, one after another; none doubles from 4 until the server does not keep up.
        seconds: of each rate.
        patience_seconds: that an answer is waited for.
        expected: records of the rows, to check answers against.
        tolerance: that numbers may differ by; by the precision of the records where None.
    """

    url: str
    rows: Sequence[Mapping[str, Any]] = field(
        default_factory=lambda: [{"text": one} for one in mixed_texts(MADE_TEXTS)]
    )
    route: str = "predict"
    model: str | None = None
    key: str | None = field(default=None, repr=False)
    rates: tuple[float, ...] = ()
    seconds: float = 10.0
    patience_seconds: float = 30.0
    expected: Sequence[Mapping[str, Any]] | None = None
    tolerance: float | None = None
    seed: int = 0


def loadtest(
    config: LoadtestConfig, observer: Observer = SILENT, transport: httpx2.AsyncBaseTransport | None = None
) -> list[LoadStep]:
    """Asks a server at each rate.

    Args:
        transport: what requests go through; the network when left out.

    Returns:
        what each rate brought, the lowest of a sweep first.

    Raises:
        UserError: nobody answers there, a rate is none, or there are not as many records as rows.
    """
    return asyncio.run(_steps(config, _check(config), observer, transport))


def _check(config: LoadtestConfig) -> AnswerCheck | None:
    if not config.rows:
        raise InputError("there is nothing to ask", "Give rows.")
    if not all(rate > 0 for rate in (*config.rates, config.seconds, config.patience_seconds)):
        raise UserError("rates and seconds are above 0", "Such as --rate 10,20,40 --seconds 10.")
    if config.expected is None:
        return None
    if len(config.expected) != len(config.rows):
        counts = f"{len(config.expected):,} records for {len(config.rows):,} rows"
        raise InputError(counts, "Make them of the same file: bertkit predict -i FILE --json.")
    return AnswerCheck(config.expected, config.tolerance)


async def _steps(
    config: LoadtestConfig,
    check: AnswerCheck | None,
    observer: Observer,
    transport: httpx2.AsyncBaseTransport | None,
) -> list[LoadStep]:
    steps: list[LoadStep] = []
    client = ServerClient(config.url, config.route, config.rows, config.model, config.key, check, transport)
    async with client:
        await client.try_once()
        sent = count()
        for rate in config.rates or [FIRST_RATE * 2**step for step in range(MOST_STEPS)]:
            arrivals = poisson_arrivals(rate, config.seconds, config.seed + len(steps))
            requests = await send_all(arrivals, lambda _: client.ask(next(sent)), config.patience_seconds)
            steps.append(LoadStep(rate, config.seconds, requests))
            observer.say(f"{rate:g} a second for {config.seconds:g} s: {steps[-1].answered_a_second:.1f} answered")
            if not config.rates and not steps[-1].keeps_up:
                break
    return steps
