"""What all protocols share: which models there are, and how rows become answers, limits and queue in front."""

from __future__ import annotations

import asyncio
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Literal, TypeVar

import numpy as np

from bertkit.errors import BertkitError, ModelNotFound, NotFinite, NotServing, TooLate, UserError, near_match
from bertkit.formats.row import Row
from bertkit.inference.backend import Outputs
from bertkit.inference.latency import LatencyTarget
from bertkit.inference.pipeline import Failure, Pipeline, Request, attempt
from bertkit.inference.scheduler import Demand, Priority, Scheduler, Ticket
from bertkit.inference.served import CHARACTERS_A_TOKEN, TOKEN_VECTORS, TOKENISED, Manner, ServedModel
from bertkit.server.probing import probe
from bertkit.server.settings import ServeSettings
from bertkit.server.sharing import SharedOutputs
from bertkit.server.worker import Lane, Watch, Worker
from bertkit.tasks.contract import Result
from bertkit.tokenization.windows import LongText, Window

BATCHES_QUEUED = 64  # full ones, that wait for one model at most: some ten seconds of a CPU
Value = TypeVar("Value")
# Of text, that is tokenised and answered at once: to hand it to another thread and back would take longer.
CHARACTERS_AT_ONCE = 512
OnError = Literal["stop", "record"]


@dataclass(frozen=True, slots=True)
class Asker:
    """Who asks, and how urgently.

    Attributes:
        client: what its share of the machine goes by.
    """

    client: str = ""
    priority: Priority = "normal"
    seconds: float = 30.0


@dataclass(frozen=True, slots=True)
class TokenIds:
    """A text as a client tokenised it."""

    ids: Sequence[int]
    place: str


@dataclass(slots=True)
class Timing:
    """What a request was, and how long its parts took."""

    model: str = ""
    device: str = ""
    characters: int = 0
    tokens: int = 0
    windows: int = 1
    truncated: bool = False
    tokenization_seconds: float = 0.0
    queue_seconds: float = 0.0
    inference_seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Answered:
    """The answers to a request's rows, in their order.

    Attributes:
        results: failures only where they were to be recorded.
    """

    model: ServedModel
    results: Sequence[Result | Failure]
    timing: Timing = field(default_factory=Timing)

    @property
    def answers(self) -> list[Result]:
        """All of them, of a request in which none failed."""
        return [result for result in self.results if isinstance(result, Result)]

    @property
    def windows(self) -> int:
        """The most windows that a text was read in."""
        return max((one.reading.windows for one in self.answers), default=1)

    @property
    def truncated(self) -> bool:
        """Whether part of a text was dropped."""
        return any(one.reading.truncated for one in self.answers)

    @property
    def input_tokens(self) -> int:
        """Of all texts, special tokens included."""
        return sum(one.reading.input_tokens for one in self.answers)


class Service:
    """The models, and who asks them.

    Args:
        on_death: is called when nothing can be computed any more.
    """

    def __init__(
        self,
        models: Sequence[ServedModel],
        settings: ServeSettings,
        clock: Callable[[], float] = time.monotonic,
        watch: Watch | None = None,
        on_death: Callable[[], None] | None = None,
    ) -> None:
        self.settings = settings
        self.models: Mapping[str, ServedModel] = {model.name: model for model in models}
        self.is_draining = False
        self._probing: threading.Thread | None = None
        self._requests = 0
        self._unused: asyncio.Event | None = None
        self._clock = clock
        own = [(model.name, model.token_vectors) for model in models]
        self._token_models = {name: model for name, model in own if model is not None}
        self._lanes = {model: self._lane(model) for model in (*models, *self._token_models.values())}
        self.worker = Worker(list(self._lanes.values()), clock, watch, on_death)
        self.shared = SharedOutputs(settings.cache_bytes)
        self._pool = ThreadPoolExecutor(settings.tokenizers, "tokenises")

    def start(self) -> None:
        """Compute once what every network will, so that the first to ask does not wait for it; then begin.

        Raises:
            NotFinite: a model has no answers to give.
        """
        for model, lane in self._lanes.items():
            for length in (8, model.max_length):
                (outputs,) = lane.engine.run([_any_window(model, length)])
                if not all(np.isfinite(part).all() for part in outputs):
                    blamed = lane.engine.backend.blame()
                    raise NotFinite(f"model {model.name}: computes NaN or infinity{f': {blamed}' if blamed else ''}")
        self.worker.start()
        if self.settings.p95_seconds is not None:
            self._probing = threading.Thread(target=self._probe, name="probes", daemon=True)
            self._probing.start()

    def close(self) -> None:
        """Compute what was accepted, and end."""
        self.worker.stop(self.settings.seconds.drain)
        if self._probing is not None:
            self._probing.join(self.settings.seconds.drain)
        self._pool.shutdown()
        for lane in self._lanes.values():
            lane.engine.backend.close()

    @contextmanager
    def in_use(self) -> Iterator[None]:
        """A request is being answered by these models."""
        self._requests += 1
        try:
            yield
        finally:
            self._requests -= 1
            if self._unused is not None and not self._requests:
                self._unused.set()

    async def unused(self) -> None:
        """Returns once every request that has begun with these models has its answer; no new one is to begin."""
        self._unused = asyncio.Event()
        if self._requests:
            await self._unused.wait()

    @property
    def lanes(self) -> Sequence[Lane]:
        """The queues."""
        return list(self._lanes.values())

    @property
    def is_ready(self) -> bool:
        """Whether a request would be answered."""
        return self.worker.is_alive and not self.is_draining

    def find(self, name: str | None, *tasks: str) -> ServedModel:
        """The model that is called so; without a name the first that does one of the tasks.

        Args:
            tasks: that will do; any where none is named.

        Raises:
            ModelNotFound: no model is called so. It is never looked for anywhere else.
            UserError: it does another task, or none does these.
        """
        if name is not None and name not in self.models:
            known = ", ".join(self.models)
            raise ModelNotFound(f"no model {name[:60]!r} here{near_match(name[:60], self.models)}", f"These: {known}.")
        if name is None:
            found = (model for model in self._serving() if not tasks or model.task.name in tasks)
            if (model := next(found, None)) is not None:
                return model
            raise UserError(f"no model here does {' or '.join(tasks)}", "Start the server with one: -m NAME=FOLDER.")
        model = self.models[name]
        if tasks and model.task.name not in tasks:
            if TOKEN_VECTORS in tasks and name in self._token_models:
                return self._token_models[name]
            does = model.task.name
            raise UserError(f"the model {name!r} does {does}, not {' or '.join(tasks)}", self._who(tasks))
        return model

    def long(self, protocol: LongText, asked: LongText | None = None) -> LongText:
        """What happens to a text that is too long: what was asked for, else what the server was set up for.

        Args:
            protocol: what clients of the protocol expect where they do not say.
        """
        if asked is not None:
            return asked
        settled = {"never": LongText.ERROR, "windows": LongText.WINDOW, "as-protocol": protocol}
        return settled[self.settings.truncate]

    async def answer(
        self,
        model: ServedModel,
        rows: Sequence[Row | TokenIds | Failure],
        manner: Manner,
        asker: Asker,
        on_error: OnError = "stop",
    ) -> Answered:
        """The answers to rows.

        Raises:
            BertkitError: of the first row that has no answer, where failures are not recorded; or of the whole request:
                it is too much, too late, there is no room, or the server ends.
        """
        if not self.is_ready:
            raise NotServing("the server ends" if self.is_draining else "nothing is computed here at the moment")
        pipeline = model.pipeline(manner)
        texts = [row for row in rows if not isinstance(row, TokenIds)]
        self.settings.limits.check(pipeline.task, texts)
        lane, began = self._lanes[model], self._clock()
        about = model.demand(texts, manner) + sum(len(row.ids) for row in rows if isinstance(row, TokenIds))
        ticket = self.worker.submit(lane, Demand(about, asker.client, asker.priority, began + asker.seconds))
        timing = Timing(model.name, model.device, sum(map(_characters, texts)))
        try:
            size = timing.characters + about
            requests = await self.run(lambda: _prepared(model, pipeline, rows, manner), size)
            timing.tokenization_seconds = self._clock() - began
            if on_error == "stop":
                _raise_first(requests)
            windows = [window for one in requests if isinstance(one, Request) for window in one.windows]
            outputs: list[Outputs] = []
            timing.tokens = _tokens(windows)
            if model.task.name == TOKEN_VECTORS:
                self.settings.limits.check_vectors(timing.tokens, model.width)
            if windows:
                outputs = await self._outputs(lane, ticket, windows, timing)
            results = await self.run(lambda: _finished(model, pipeline, requests, outputs), size)
        finally:
            self.worker.cancel(lane, ticket)  # nothing, where all was computed
        if on_error == "stop":
            _raise_first(results)
        answered = Answered(model, results, timing)
        timing.windows, timing.truncated = answered.windows, answered.truncated
        return answered

    async def _outputs(self, lane: Lane, ticket: Ticket, windows: Sequence[Window], timing: Timing) -> list[Outputs]:
        """The outputs of windows: what the same client has asked for at the same time is computed once."""
        demand = ticket.demand
        tickets = [ticket]

        async def compute(own: list[Window]) -> list[Outputs]:
            # Another place in the queue where those who had it, and computed this for us, have given up.
            place = tickets.pop() if tickets else self.worker.submit(lane, replace(demand, tokens=_tokens(own)))
            try:
                job = self.worker.provide(lane, place, own)
                outputs = await asyncio.wrap_future(job.future)
            finally:
                self.worker.cancel(lane, place)
            timing.queue_seconds = max(job.queue_seconds - timing.tokenization_seconds, 0.0)
            timing.inference_seconds = job.inference_seconds
            return outputs

        scope = (lane.name, demand.client, demand.priority)
        try:
            async with asyncio.timeout(max(demand.deadline - self._clock(), 0.0)):
                return await self.shared.outputs(windows, scope, lane.engine.batch_tokens, compute)
        except TimeoutError:
            raise TooLate("the answer would be too late: it was waited for no longer") from None

    async def with_permit(self, model: ServedModel, characters: int, asker: Asker, step: Callable[[], Value]) -> Value:
        """Does what needs no network, such as tokenising, beside the others, where there is room for it.

        Raises:
            Overloaded, RequestTooLarge: as `Scheduler.submit`.
        """
        lane = self._lanes[model]
        deadline = self._clock() + asker.seconds
        demand = Demand(characters // CHARACTERS_A_TOKEN // TOKENISED, asker.client, asker.priority, deadline)
        ticket = self.worker.submit(lane, demand)
        try:
            return await self.run(step)
        finally:
            self.worker.cancel(lane, ticket)

    async def run(self, step: Callable[[], Value], characters: int = sys.maxsize) -> Value:
        """Does a step beside the loop that answers others.

        Args:
            characters: of text that it is about; with few it is done at once.
        """
        if characters <= CHARACTERS_AT_ONCE:
            return step()
        return await asyncio.get_running_loop().run_in_executor(self._pool, step)

    def _lane(self, model: ServedModel) -> Lane:
        engine = model.engine
        queued = self.settings.queue_tokens or BATCHES_QUEUED * engine.batch_tokens
        seconds = self.settings.p95_seconds
        target = None if seconds is None else LatencyTarget(seconds)
        scheduler = Scheduler(engine.batch_tokens, queued, engine.backend.shape.cost, target)
        return Lane(f"{model.name}/{model.task.name}", engine, scheduler)

    def _probe(self) -> None:
        for model, lane in self._lanes.items():
            probe(self.worker, lane, model.source, partial(_any_window, model))

    def _serving(self) -> list[ServedModel]:
        return [*self.models.values(), *self._token_models.values()]

    def _who(self, tasks: Sequence[str]) -> str:
        able = list(dict.fromkeys(one.name for one in self._serving() if one.task.name in tasks))
        return f"Ask {' or '.join(able)}." if able else "Start the server with one that does: -m NAME=FOLDER."


def _prepared(
    model: ServedModel, pipeline: Pipeline, rows: Sequence[Row | TokenIds | Failure], manner: Manner
) -> list[Request | Failure]:
    texts = iter(pipeline.prepare_all([row for row in rows if not isinstance(row, TokenIds)]))
    return [
        attempt(lambda row=row: model.request_of_ids(row.ids, manner, row.place), row.place)  # type: ignore[misc]
        if isinstance(row, TokenIds)
        else next(texts)
        for row in rows
    ]


def _finished(
    model: ServedModel, pipeline: Pipeline, requests: Sequence[Request | Failure], outputs: Sequence[Outputs]
) -> list[Result | Failure]:
    results: list[Result | Failure] = []
    place = 0
    for one in requests:
        if isinstance(one, Failure):
            results.append(one)
            continue
        own = outputs[place : place + len(one.windows)]
        place += len(own)
        try:
            results.append(model.finish(pipeline, one, own))
        except BertkitError as error:  # says itself where
            results.append(Failure(error))
    return results


def _tokens(windows: Sequence[Window]) -> int:
    return sum(len(window.ids) for window in windows)


def _raise_first(found: Sequence[object]) -> None:
    for one in found:
        if isinstance(one, Failure):
            raise one.error


def _characters(row: Row | Failure) -> int:
    if isinstance(row, Failure):
        return 0
    values = [value for field in row.fields.values() for value in (field if isinstance(field, list) else [field])]
    return sum(len(value) for value in values if isinstance(value, str))


def _any_window(model: ServedModel, length: int) -> Window:
    """A window of so many tokens, or as few as there can be: of the first tokens of the vocabulary."""
    ids = list(range(min(length, model.max_length, model.tokenizer.vocab_size)))
    if model.task.readout.rows == "mask" and model.tokenizer.specials.mask is not None:
        ids[-1] = model.tokenizer.specials.mask
    return Window(ids, [0] * len(ids), None, [range(len(ids))], [range(len(ids))])
