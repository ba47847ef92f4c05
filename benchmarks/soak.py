"""A server under twice what it can bear, for half an hour: is memory level, and is every answer right?

python -m benchmarks.soak [--minutes 30] [--rate N] [--times 2] [--server ARGUMENT …]

Starts `bertkit serve` with the embedded model, finds how many requests a second it answers (or takes --rate for it),
and sends that many times --times, at random (Poisson), texts of mixed lengths, each answer held against what the same
model gives without a server. The load generator shares the machine, which makes every time longer. With --minutes 1 it
is a trial: memory is then told, but not judged.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import bertkit
from benchmarks.measure import json_line, machine
from bertkit.benchmarking.answer_check import AnswerCheck
from bertkit.benchmarking.arrivals import poisson_arrivals
from bertkit.benchmarking.load_summary import ANSWERED, percentile
from bertkit.benchmarking.open_loop import LOST, TIMEOUT, SentRequest, send_all
from bertkit.benchmarking.sent_texts import mixed_texts
from bertkit.benchmarking.server_client import ServerClient
from bertkit.workflows.loadtest import LoadtestConfig, loadtest

TEXTS = 1_000
DEADLINE_SECONDS = 30.0  # a server's own
SETTLED_MINUTES, LEVEL = 5, 0.03
REFUSED_SECONDS = 0.025
SAMPLE_SECONDS = 5.0


@dataclass(frozen=True)
class Verdict:
    """One thing that must hold."""

    what: str
    found: str
    holds: bool | None  # None: not judged in so short a time


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=30.0)
    parser.add_argument("--rate", type=float, help="requests a second that the server bears; found out if left out")
    parser.add_argument("--times", type=float, default=2.0)
    parser.add_argument("--server", nargs=argparse.REMAINDER, default=[], help="more arguments of bertkit serve")
    given = parser.parse_args()
    texts = mixed_texts(TEXTS)
    command = [sys.executable, "-m", "bertkit", "serve", "--port", "0", "--no-log-requests", *given.server]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    try:
        assert process.stderr is not None
        url = process.stderr.readline().split()[-1]
        model = bertkit.load(task="sentence-embedding")
        records = [result.record() for result in model.predict(texts)]
        del model
        while not (line := process.stderr.readline()).startswith("ready"):
            assert line, "the server has ended"
        rows = [{"text": text} for text in texts]
        # Nobody reads it from here on, and a pipe that is full would hold the server up.
        threading.Thread(target=process.stderr.read, daemon=True).start()
        capacity = given.rate or _capacity(url, rows)
        rate = given.times * capacity
        print(f"{capacity:.1f} a second answered; {rate:.1f} a second for {given.minutes:g} minutes", flush=True)
        requests, memory = asyncio.run(_soak(url, rows, records, rate, 60 * given.minutes, process.pid))
    finally:
        process.terminate()
        code = process.wait(90)
    verdicts = [*_judged(requests, memory, given.minutes), Verdict("ends with", str(code), code == 0)]
    for one in verdicts:
        print(f"{'-' if one.holds is None else 'yes' if one.holds else 'NO':<4}{one.what}: {one.found}")
    told = [{"what": one.what, "found": one.found, "holds": one.holds} for one in verdicts]
    facts = {"minutes": given.minutes, "rate": rate, "requests": len(requests), "statuses": _statuses(requests)}
    print(json_line({"soak": told, **facts, "megabytes": [round(size / 1e6) for _, size in memory], **machine()}))
    return int(any(one.holds is False for one in verdicts))


def _capacity(url: str, rows: list[dict[str, str]]) -> float:
    steps = loadtest(LoadtestConfig(url, rows, seconds=10.0))
    return max(step.answered_a_second for step in steps)


async def _soak(
    url: str, rows: list[dict[str, str]], records: list[dict[str, object]], rate: float, seconds: float, pid: int
) -> tuple[list[SentRequest], list[tuple[float, int]]]:
    """Every request, and the server's memory: (seconds from the start, bytes)."""
    memory: list[tuple[float, int]] = []

    async def sample() -> None:
        began = time.monotonic()
        while True:
            memory.append((time.monotonic() - began, _resident_bytes(pid)))
            await asyncio.sleep(SAMPLE_SECONDS)

    sampling = asyncio.ensure_future(sample())
    async with ServerClient(url, "predict", rows, "embeddings", check=AnswerCheck(records)) as client:
        requests = await send_all(poisson_arrivals(rate, seconds), client.ask, 2 * DEADLINE_SECONDS)
    sampling.cancel()
    return requests, memory


def _resident_bytes(pid: int) -> int:
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def _judged(requests: Sequence[SentRequest], memory: Sequence[tuple[float, int]], minutes: float) -> list[Verdict]:
    statuses = Counter(one.reply.status for one in requests)
    verdicts = Counter(one.reply.verdict for one in requests)
    answered = [one for one in requests if one.reply.status == ANSWERED]
    accepted = sorted(one.done - one.sent for one in requests if one.reply.status in (ANSWERED, "504", TIMEOUT))
    refused = sorted(one.done - one.sent for one in requests if one.reply.status == "429")
    settled = [size for second, size in memory if second >= 60 * SETTLED_MINUTES]
    around = settled or [size for _, size in memory[len(memory) // 2 :]]
    middle = (max(around) + min(around)) / 2
    spread = (max(around) - middle) / middle
    p99, p95 = (percentile(part, share) if part else 0.0 for part, share in ((accepted, 0.99), (refused, 0.95)))
    known = {ANSWERED, "429", "504", TIMEOUT, LOST}
    others = {status: count for status, count in statuses.items() if status not in known}
    return [
        Verdict(
            f"memory level after minute {SETTLED_MINUTES}, ±{LEVEL:.0%}",
            f"{min(around) / 1e6:.0f} to {max(around) / 1e6:.0f} MB, ±{spread:.1%}",
            spread <= LEVEL if settled and minutes > 2 * SETTLED_MINUTES else None,
        ),
        Verdict(
            f"accepted, p99 within {DEADLINE_SECONDS:g} s", f"{p99:.2f} s of {len(accepted):,}", p99 <= DEADLINE_SECONDS
        ),
        Verdict(
            f"refused, p95 within {1e3 * REFUSED_SECONDS:g} ms",
            f"{1e3 * p95:.1f} ms of {len(refused):,}",
            p95 <= REFUSED_SECONDS if refused else None,
        ),
        *(
            Verdict(f"0 {name}", f"{verdicts[name]:,} of {len(answered):,}", not verdicts[name])
            for name in ("wrong", "mixed up")
        ),
        Verdict(
            "0 lost",
            f"{statuses[LOST] + statuses[TIMEOUT]:,} of {len(requests):,}",
            not statuses[LOST] + statuses[TIMEOUT],
        ),
        Verdict("nothing else came back", str(others or "nothing"), not others),
    ]


def _statuses(requests: Sequence[SentRequest]) -> dict[str, int]:
    return dict(sorted(Counter(one.reply.status for one in requests).items()))


if __name__ == "__main__":
    sys.exit(main())
