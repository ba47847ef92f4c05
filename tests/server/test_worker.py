"""One thread, several networks: what is asked comes back, whatever goes wrong with what others asked."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator

import numpy as np
import pytest

from bertkit.batching.packed import PackedBatch
from bertkit.config.readout import Readout
from bertkit.errors import BertkitError, NotServing, TooLate
from bertkit.inference.backend import Backend, Outputs
from bertkit.inference.engine import Engine
from bertkit.inference.scheduler import Demand, Scheduler
from bertkit.server.worker import MOST_RESTARTS, Computation, Lane, Worker
from bertkit.tasks.contract import Task
from bertkit.tokenization.windows import Window

WAIT = 30  # seconds, after which a test has failed


class Sums(Backend):
    """Its output of a sequence is the sum of its ids. It can be held, and told to fail."""

    dtype, device = "int64", "abacus"

    def __init__(self) -> None:
        self.seen: list[tuple[int, ...]] = []
        self.may_go = threading.Event()
        self.began = threading.Event()
        self.may_go.set()
        self.fails: list[BaseException] = []

    def run(self, batch: PackedBatch) -> Outputs:
        self.seen.append(batch.lengths)
        self.began.set()
        assert self.may_go.wait(WAIT)
        if self.fails:
            raise self.fails.pop()
        return (np.add.reduceat(batch.ids_T, np.cumsum([0, *batch.lengths[:-1]])).astype(np.float32),)


class Sequences(Task):
    readout = Readout("sequence")  # type: ignore[assignment]

    def __init__(self) -> None:
        pass

    def decode(self, outcomes: object, reading: object) -> None:  # type: ignore[override]
        raise NotImplementedError


def window(*ids: int) -> Window:
    return Window(list(ids), [0] * len(ids), None, [range(len(ids))], [range(len(ids))])


class Bench:
    """A worker, its lanes, and a clock that is moved by hand."""

    def __init__(self, lanes: int) -> None:
        self.now = 0.0
        self.backends = [Sums() for _ in range(lanes)]
        self.lanes = [
            Lane(str(n), Engine(one, Sequences(), 8), Scheduler(8, 1_000)) for n, one in enumerate(self.backends)
        ]
        self.died = threading.Event()
        self.batches: list[tuple[str, int]] = []
        self.worker = Worker(
            self.lanes,
            lambda: self.now,
            lambda batch, seconds: self.batches.append((batch.lane.name, batch.tokens)),
            self.died.set,
        )
        self.worker.start()

    def ask(self, lane: int, *windows: Window, deadline: float = 1e9) -> Computation:
        tokens = sum(len(one.ids) for one in windows)
        ticket = self.worker.submit(self.lanes[lane], Demand(tokens, deadline=deadline))
        return self.worker.provide(self.lanes[lane], ticket, windows)

    def answer(self, job: Computation) -> list[float]:
        return [float(parts[0][0]) for parts in job.future.result(WAIT)]


@pytest.fixture
def bench() -> Iterator[Callable[[int], Bench]]:
    made: list[Bench] = []

    def make(lanes: int = 1) -> Bench:
        made.append(Bench(lanes))
        return made[-1]

    yield make
    for one in made:
        for backend in one.backends:
            backend.may_go.set()
        one.worker.stop()


def test_outputs_come_back_in_the_order_of_the_windows(bench: Callable[..., Bench]) -> None:
    desk = bench(2)
    jobs = [desk.ask(n % 2, window(n, 1), window(*range(n + 1)), window(n, n, n)) for n in range(20)]
    assert [desk.answer(job) for job in jobs] == [[n + 1, n * (n + 1) / 2, 3 * n] for n in range(20)]
    assert all(not lane.jobs and not lane.scheduler.waiting for lane in desk.lanes)


def test_a_full_batch_is_packed_while_another_is_computed(bench: Callable[..., Bench]) -> None:
    desk = bench()
    backend = desk.backends[0]
    backend.may_go.clear()
    first = desk.ask(0, window(*range(8)))
    assert backend.began.wait(WAIT)
    more = [desk.ask(0, window(1, 2)) for _ in range(7)]
    backend.may_go.set()
    for job in (first, *more):
        desk.answer(job)
    assert backend.seen == [(8,), (2, 2, 2, 2), (2, 2, 2)]


def test_networks_take_turns_by_tokens(bench: Callable[..., Bench]) -> None:
    desk = bench(2)
    desk.backends[0].may_go.clear()
    jobs = [desk.ask(0, window(*range(8)))]
    assert desk.backends[0].began.wait(WAIT)
    jobs += [desk.ask(0, *(window(*range(8)) for _ in range(6))), desk.ask(1, *(window(*range(4)) for _ in range(6)))]
    desk.backends[0].may_go.set()
    for job in jobs:
        desk.answer(job)
    desk.worker.stop()
    assert [name for name, _ in desk.batches[1:7]] in (["1", "0"] * 3, ["0", "1"] * 3)


def test_a_batch_that_fails_fails_alone(bench: Callable[..., Bench], caplog: pytest.LogCaptureFixture) -> None:
    desk = bench()
    backend = desk.backends[0]
    backend.fails.append(RuntimeError("secret words of a user"))
    with pytest.raises(BertkitError, match="could not compute this"):
        desk.answer(desk.ask(0, window(1)))
    assert desk.answer(desk.ask(0, window(1, 2))) == [3]
    assert desk.worker.restarts == 0
    assert "RuntimeError at " in caplog.text
    assert "secret" not in caplog.text


def test_a_thread_that_dies_is_started_again_and_those_who_wait_are_told(bench: Callable[..., Bench]) -> None:
    desk = bench()
    backend = desk.backends[0]
    for _ in range(MOST_RESTARTS):
        backend.fails.append(SystemExit())
        with pytest.raises(NotServing, match="has failed"):
            desk.answer(desk.ask(0, window(1)))
        assert desk.answer(desk.ask(0, window(1, 2))) == [3]
    backend.fails.append(SystemExit())
    job = desk.ask(0, window(1))
    with pytest.raises(NotServing):
        desk.answer(job)
    assert desk.died.wait(WAIT)
    with pytest.raises(NotServing, match="at the moment"):
        desk.worker.submit(desk.lanes[0], Demand(1))


def test_late_and_cancelled_requests_are_not_computed(bench: Callable[..., Bench]) -> None:
    desk = bench()
    backend = desk.backends[0]
    backend.may_go.clear()
    first = desk.ask(0, window(*range(8)))
    assert backend.began.wait(WAIT)
    late, gone, kept = desk.ask(0, window(1), deadline=5), desk.ask(0, window(2)), desk.ask(0, window(3))
    desk.worker.cancel(desk.lanes[0], gone.ticket)
    desk.now = 6.0
    backend.may_go.set()
    assert desk.answer(kept) == [3]
    desk.answer(first)
    with pytest.raises(TooLate):
        desk.answer(late)
    assert backend.seen == [(8,), (1,)]
    assert kept.queue_seconds == 6.0


def test_one_that_is_late_is_told_though_nothing_else_waits(bench: Callable[..., Bench]) -> None:
    desk = bench()
    desk.backends[0].may_go.clear()
    first = desk.ask(0, window(1))
    assert desk.backends[0].began.wait(WAIT)
    late = desk.ask(0, window(1), deadline=5)
    desk.now = 6.0
    desk.backends[0].may_go.set()
    desk.answer(first)
    with pytest.raises(TooLate):
        desk.answer(late)


def test_one_that_was_late_before_it_was_tokenised_is_told(bench: Callable[..., Bench]) -> None:
    desk = bench()
    ticket = desk.worker.submit(desk.lanes[0], Demand(1, deadline=5))
    desk.now = 6.0
    desk.answer(desk.ask(0, window(3)))
    job = desk.worker.provide(desk.lanes[0], ticket, [window(1)])
    with pytest.raises(TooLate):
        desk.answer(job)


def test_what_waits_is_computed_before_it_stops(bench: Callable[..., Bench]) -> None:
    desk = bench()
    jobs = [desk.ask(0, window(*range(8))) for _ in range(5)]
    desk.worker.stop()
    assert [desk.answer(job) for job in jobs] == [[28]] * 5
    assert not desk.worker.is_alive
