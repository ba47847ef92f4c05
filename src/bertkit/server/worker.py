"""The one thread that computes: it owns every network, takes batches of their queues in turn, and gives outputs back.

Several networks share the device, so they take turns, each for a batch: two at once would only be in each other's way.
While a batch is computed the next one is packed, where there is enough for a full one; with fewer it waits for what may
still come.
"""

from __future__ import annotations

import logging
import threading
import time
import traceback
from collections.abc import Callable, Sequence
from concurrent.futures import Future, InvalidStateError, ThreadPoolExecutor
from dataclasses import dataclass, field

from bertkit.errors import BertkitError, NotServing, TooLate
from bertkit.inference.backend import Outputs
from bertkit.inference.engine import Engine, PackedWindows
from bertkit.inference.scheduler import Demand, Scheduler, Slice, Ticket
from bertkit.tokenization.windows import Window

logger = logging.getLogger(__name__)

MOST_RESTARTS = 3  # of a thread that died, after which the server gives up


@dataclass(eq=False)
class Lane:
    """One network, and the queue of those who wait for it.

    Attributes:
        turn: tokens that it has had; the lane with the fewest is next.
    """

    name: str
    engine: Engine
    scheduler: Scheduler
    turn: float = 0.0
    jobs: dict[Ticket, Computation] = field(default_factory=dict)


@dataclass(eq=False)
class Computation:
    """The windows of a request, and where their outputs go.

    Attributes:
        future: the outputs of each window, in their order.
        queue_seconds: until its first window was in a batch.
        inference_seconds: of the batches that it had a part in.
    """

    ticket: Ticket
    windows: Sequence[Window]
    future: Future[list[Outputs]] = field(default_factory=Future)
    queue_seconds: float = 0.0
    inference_seconds: float = 0.0
    outputs: list[Outputs] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class LaneBatch:
    """A batch that is ready to be computed."""

    lane: Lane
    slices: Sequence[tuple[Computation, Slice]]
    packed: PackedWindows
    tokens: int


Watch = Callable[[LaneBatch, float], None]


class Worker:
    """Computes what is waiting.

    Args:
        clock: seconds.
        watch: is told of each batch and how many seconds it took.
        on_death: is called when the thread has died so often that it is not started again.
    """

    def __init__(
        self,
        lanes: Sequence[Lane],
        clock: Callable[[], float] = time.monotonic,
        watch: Watch | None = None,
        on_death: Callable[[], None] | None = None,
    ) -> None:
        self.lanes = lanes
        self.restarts = 0
        self.busy_since: float | None = None
        self._clock = clock
        self._watch = watch
        self._on_death = on_death
        self._changed = threading.Condition()
        self._stopping = self._has_died = False
        self._turn = 0.0
        self._ahead = ThreadPoolExecutor(1, "packs-ahead")
        self._thread: threading.Thread | None = None

    @property
    def is_alive(self) -> bool:
        """Whether it computes, or would."""
        return self._thread is not None and self._thread.is_alive() and not (self._stopping or self._has_died)

    def start(self) -> None:
        """Begin to compute."""
        self._thread = threading.Thread(target=self._live, name="computes", daemon=True)
        self._thread.start()

    def stop(self, seconds: float | None = None) -> None:
        """Compute what is waiting, then end.

        Args:
            seconds: after which it is not waited for any more: what computes may be stuck.
        """
        with self._changed:
            self._stopping = True
            self._changed.notify_all()
        if self._thread is not None:
            self._thread.join(seconds)
        self._ahead.shutdown(wait=False)

    def submit(self, lane: Lane, demand: Demand) -> Ticket:
        """A place in a lane's queue.

        Raises:
            Overloaded, RequestTooLarge: as `Scheduler.submit`.
            NotServing: nothing is computed any more.
        """
        with self._changed:
            if not self.is_alive:
                raise NotServing("nothing is computed here at the moment")
            return lane.scheduler.submit(demand, self._clock())

    def provide(self, lane: Lane, ticket: Ticket, windows: Sequence[Window]) -> Computation:
        """The windows of a request; its outputs will be in the job's future."""
        job = Computation(ticket, windows)
        with self._changed:
            if not self.is_alive:
                job.future.set_exception(NotServing("nothing is computed here at the moment"))
            elif ticket.over:  # it was too late before it was tokenised
                job.future.set_exception(_too_late())
            else:
                lane.jobs[ticket] = job
                if lane.scheduler.ready == 0:
                    lane.turn = max(lane.turn, self._turn)  # nobody saves up turns
                lane.scheduler.provide(ticket, [len(window.ids) for window in windows])
                self._changed.notify_all()
        return job

    def cancel(self, lane: Lane, ticket: Ticket) -> None:
        """Nobody waits for a request any more."""
        with self._changed:
            lane.scheduler.cancel(ticket)
            lane.jobs.pop(ticket, None)

    def _live(self) -> None:
        try:
            self._compute_all()
        except BaseException as error:
            logger.error("the thread that computes has died: %s", where(error))
            self._bury()

    def _bury(self) -> None:
        """Those who wait are told, and a new thread takes over; too often, and the server ends."""
        with self._changed:
            jobs = [job for lane in self.lanes for job in lane.jobs.values()]
            for lane in self.lanes:
                for ticket in list(lane.jobs):
                    lane.scheduler.cancel(ticket)
                lane.jobs.clear()
            self.busy_since = None
            self.restarts += 1
            gives_up = self.restarts > MOST_RESTARTS
            if not gives_up:
                self.start()
            self._has_died = gives_up
        for job in jobs:
            _fail(job, NotServing("what computes has failed"))
        if gives_up and self._on_death is not None:
            self._on_death()

    def _compute_all(self) -> None:
        ahead: Future[LaneBatch | None] | None = None
        while True:
            batch = None if ahead is None else ahead.result()
            batch = batch or self._pack(self._next(waits=True))
            if batch is None:
                return
            with self._changed:
                lanes = [lane for lane in self.lanes if lane.scheduler.ready >= lane.scheduler.batch_tokens]
            ahead = self._ahead.submit(lambda: self._pack(self._next(waits=False))) if lanes else None
            self._compute(batch)

    def _next(self, *, waits: bool) -> tuple[Lane, list[tuple[Computation, Slice]]] | None:
        """The lane whose turn it is, and what of it is computed; None where nothing is left."""
        while True:
            with self._changed:
                found, late = self._take()
                if found is None and not late:
                    if not waits or self._stopping:
                        return None
                    self._changed.wait()
            for job in late:
                _fail(job, _too_late())
            if found is not None:
                return found

    def _take(self) -> tuple[tuple[Lane, list[tuple[Computation, Slice]]] | None, list[Computation]]:
        """What is computed next, and who does not wait for it any more."""
        ready = [lane for lane in self.lanes if lane.scheduler.ready]
        if not ready:
            return None, []
        lane = min(ready, key=lambda lane: lane.turn)
        now = self._clock()
        slices = lane.scheduler.next_batch(now)
        late = self._take_late(lane)
        return (lane, [(self._begun(lane, one, now), one) for one in slices]) if slices else None, late

    def _take_late(self, lane: Lane) -> list[Computation]:
        late = [lane.jobs.pop(ticket, None) for ticket in lane.scheduler.late]
        lane.scheduler.late.clear()
        return [job for job in late if job is not None]

    def _begun(self, lane: Lane, one: Slice, now: float) -> Computation:
        job = lane.jobs[one.ticket]
        if one.windows.start == 0:
            job.queue_seconds = now - one.ticket.arrived
        tokens = sum(one.ticket.lengths[window] for window in one.windows)
        self._turn = max(self._turn, lane.turn)
        lane.turn += tokens
        return job

    def _pack(self, found: tuple[Lane, list[tuple[Computation, Slice]]] | None) -> LaneBatch | None:
        if found is None:
            return None
        lane, slices = found
        windows = [job.windows[window] for job, one in slices for window in one.windows]
        return LaneBatch(lane, slices, lane.engine.pack(windows), sum(len(window.ids) for window in windows))

    def _compute(self, batch: LaneBatch) -> None:
        started = self.busy_since = self._clock()
        try:
            outputs = batch.lane.engine.compute(batch.packed)
        except Exception as error:
            logger.error("a batch of %s could not be computed: %s", batch.lane.name, where(error))
            self._drop(batch, error)
            return
        finally:
            self.busy_since = None
        seconds = self._clock() - started
        done = self._deliver(batch, outputs, seconds)
        for job in done:
            if job.future.set_running_or_notify_cancel():
                job.future.set_result(job.outputs)
        if self._watch is not None:
            self._watch(batch, seconds)

    def _deliver(self, batch: LaneBatch, outputs: Sequence[Outputs], seconds: float) -> list[Computation]:
        """Gives every job its windows' outputs; those that have all of them are done."""
        left = iter(outputs)
        done = []
        with self._changed:
            now = self._clock()
            batch.lane.scheduler.computed(batch.tokens, seconds)
            for job, one in batch.slices:
                job.outputs += [next(left) for _ in one.windows]
                job.inference_seconds += seconds
                if len(job.outputs) == len(job.windows) and batch.lane.jobs.pop(job.ticket, None) is not None:
                    batch.lane.scheduler.answered(job.ticket, now)
                    done.append(job)
        return done

    def _drop(self, batch: LaneBatch, error: Exception) -> None:
        for job, _ in batch.slices:
            self.cancel(batch.lane, job.ticket)
            known = isinstance(error, BertkitError)
            _fail(job, error if known else BertkitError("the model could not compute this", "Ask again."))


def where(error: BaseException) -> str:
    """What went wrong and where, without its message: that may have a user's text in it."""
    frames = traceback.extract_tb(error.__traceback__)
    return f"{type(error).__name__} at " + " < ".join(f"{one.filename}:{one.lineno}" for one in reversed(frames))


def _too_late() -> TooLate:
    return TooLate("the answer would be too late: it was waited for no longer")


def _fail(job: Computation, error: Exception) -> None:
    try:
        job.future.set_exception(error)
    except InvalidStateError:  # whoever asked has gone
        return
