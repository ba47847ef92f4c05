"""Which windows are computed next, where many ask at once: batches by tokens, turns by fairness. Torch-free.

No thread and no clock of its own: whoever computes hands in the time, in seconds of any clock, and asks for a batch.

* A request takes its place in the queue before it is tokenised, by what it is likely to be: what does not fit is
  refused at once, while it has cost nothing. A client may take as much of the queue as it leaves free, so that one
  that asks for everything does not have the others refused.
* A batch is filled window by window. Each window is of the *flow*, a client's requests of one priority, that has had
  the fewest tokens for its share; of its requests that which has had the fewest. So neither a long text nor a large
  request is in the way of a short one, and a client that asks for much waits for itself.
* In a flow a request that has had many tokens is overtaken by those that come. Each second that it waits forgives it
  some, so that it is overtaken for so long and no longer. Between flows there is nothing to forgive: shares are shares.
* What could not be answered before its deadline, as fast as full batches are computed, is refused at once, too.
* Where answers should come within a time, a request that fits into a batch is let in only where it can have it.
* What nobody waits for any more, or what is too late, is not computed.
"""

from __future__ import annotations

import heapq
import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count
from types import MappingProxyType
from typing import Literal

from bertkit.batching.grouping import packed
from bertkit.errors import Overloaded, RequestTooLarge
from bertkit.inference.latency import LatencyTarget

Priority = Literal["high", "normal", "low"]
SHARES: Mapping[Priority, float] = MappingProxyType({"high": 8.0, "normal": 1.0, "low": 0.125})
AGEING = 1_000.0  # tokens a second: what a CPU computes in a tenth of one
MISFITS = 32  # windows that a batch has no room for, before no further one is tried
SURE = 0.8  # of the time until its deadline, in which a request must be expected to have its turn
LEAST_RETRY_SECONDS, MOST_RETRY_SECONDS = 1, 60


@dataclass(frozen=True, slots=True)
class Demand:
    """What is known of a request before it is tokenised.

    Attributes:
        tokens: that it will be, about.
        client: who asks; each has an equal share.
        deadline: after which nobody waits for it, in seconds of the scheduler's clock.
    """

    tokens: int
    client: str = ""
    priority: Priority = "normal"
    deadline: float = math.inf


@dataclass(eq=False, slots=True)
class Ticket:
    """A request's place in the queue.

    Attributes:
        arrived: when it took it.
        is_small: whether it fits into a batch, so that its answer can be expected within the target.
        lengths: tokens of each of its windows, once they are known.
        given: windows that are in batches already, the first ones.
        waiting: tokens that it still takes of the queue.
        over: whether nobody waits for it any more.
    """

    demand: Demand
    arrived: float
    flow: Flow
    is_small: bool = False
    waiting: int = 0
    lengths: Sequence[int] = ()
    given: int = 0
    served: int = 0
    over: bool = False

    @property
    def is_given(self) -> bool:
        """Whether all of its windows are in batches."""
        return 0 < len(self.lengths) == self.given

    @property
    def is_waiting(self) -> bool:
        """Whether a window of it can be handed out."""
        return not self.over and self.given < len(self.lengths)


@dataclass(eq=False, slots=True)
class Flow:
    """What one client asks for with one priority.

    Attributes:
        turn: tokens that it has had, for its share; who has the fewest is next.
        requests: that are not over, and not all in batches.
        tickets: a heap of those whose windows are known, each behind what it has had and when it came.
        is_queued: whether it is among those whose turn will come.
    """

    key: tuple[str, Priority]
    turn: float
    requests: int = 0
    tickets: list[tuple[float, int, Ticket]] = field(default_factory=list)
    is_queued: bool = False


@dataclass(frozen=True, slots=True)
class Slice:
    """The windows of one request that are in a batch, by their numbers."""

    ticket: Ticket
    windows: range


class Scheduler:
    """Requests in, batches out.

    Args:
        batch_tokens: most tokens of one batch; a window that has more is a batch of its own.
        queue_tokens: most tokens that wait, half of them for one client.
        cost: tokens that are computed for a window of the first length in a batch whose longest is the second.
        target: in which time answers should come; None is as soon as possible, for all that the queue has room for.

    Attributes:
        waiting: tokens in the queue, of requests that are not tokenised yet as they were announced.
        ready: tokens in the queue of windows that are known.
        late: requests that were dropped because their deadline had passed; whoever tells them takes them out.
    """

    def __init__(
        self,
        batch_tokens: int,
        queue_tokens: int,
        cost: Callable[[int, int], int] = packed,
        target: LatencyTarget | None = None,
    ) -> None:
        self.most_batch_tokens = batch_tokens
        self.queue_tokens = queue_tokens
        self.target = target
        self.waiting = 0
        self.ready = 0
        self.late: list[Ticket] = []
        self._cost = cost
        self._waiting_of: Counter[str] = Counter()  # tokens of each client
        self._small: Counter[str] = Counter()  # the same, of requests that fit into a batch
        self._flows: dict[tuple[str, Priority], Flow] = {}
        self._turns: list[tuple[float, int, Flow]] = []  # a heap
        self._deadlines: list[tuple[float, int, Ticket]] = []  # a heap
        self._turn = 0.0  # of the flow that was served last
        self._numbers = count()
        self._rate = 0.0  # tokens a second
        self._full_rate = 0.0  # the same, of batches that were about full: small ones say little of what can be done

    @property
    def batch_tokens(self) -> int:
        """Most tokens of one batch."""
        return self.most_batch_tokens if self.target is None else self.target.batch_tokens(self.most_batch_tokens)

    def submit(self, demand: Demand, now: float) -> Ticket:
        """A place in the queue, before anything is done for the request.

        Raises:
            Overloaded: there is no room now; the error says when there will be.
            RequestTooLarge: there never will be.
        """
        most = self.queue_tokens // 2
        if demand.tokens > most:
            raise RequestTooLarge(f"the request is of about {demand.tokens:,} tokens; one can have {most:,}")
        own = self._waiting_of[demand.client] + demand.tokens
        if own + self.waiting + demand.tokens > self.queue_tokens:
            raise Overloaded(f"{self.waiting:,} tokens are waiting", retry_after_seconds=self.retry_after_seconds)
        is_small = demand.tokens <= self.most_batch_tokens
        if not self._is_in_time(demand, is_small, now) or (is_small and not self._is_within_target(demand)):
            raise Overloaded("it could not be answered in time", retry_after_seconds=self.retry_after_seconds)
        key = (demand.client, demand.priority)
        flow = self._flows.get(key)
        if flow is None:  # it begins where the others are: nobody saves up turns
            flow = self._flows[key] = Flow(key, self._turn)
        flow.requests += 1
        ticket = Ticket(demand, now, flow, is_small)
        self._hold(ticket, demand.tokens)
        if demand.deadline < math.inf:
            heapq.heappush(self._deadlines, (demand.deadline, next(self._numbers), ticket))
        return ticket

    def provide(self, ticket: Ticket, lengths: Sequence[int]) -> None:
        """The windows of a request are known: it can be in batches from now on.

        Args:
            lengths: tokens of each, at least one.
        """
        if ticket.over:
            return
        ticket.lengths = lengths
        tokens = sum(lengths)
        self._hold(ticket, tokens - ticket.waiting)
        self.ready += tokens
        self._queue(ticket)

    def cancel(self, ticket: Ticket) -> None:
        """Nobody waits for a request any more. What is left of it is not computed."""
        if ticket.over or ticket.is_given:
            return
        ticket.over = True
        if ticket.lengths:
            self.ready -= ticket.waiting
        self._hold(ticket, -ticket.waiting)
        self._leave(ticket.flow)

    def next_batch(self, now: float) -> Sequence[Slice]:
        """What is to be computed next; empty where nothing waits. What is too late goes to `late`."""
        self._drop_late(now)
        batch = _Batch(self.batch_tokens, self._cost)
        passed: list[Ticket] = []
        while len(passed) < MISFITS and not batch.is_full and (ticket := self._next_ticket()) is not None:
            length = ticket.lengths[ticket.given]
            if not batch.has_room(length):
                passed.append(ticket)
                self._requeue(ticket.flow)
                continue
            batch.add(ticket, length)
            self._charge(ticket, length)
            if ticket.is_waiting:
                self._queue(ticket)
            else:
                self._leave(ticket.flow)
            self._requeue(ticket.flow)
        for ticket in passed:
            self._queue(ticket)
        return [Slice(ticket, range(start, ticket.given)) for ticket, start in batch.first_windows.items()]

    def computed(self, tokens: int, seconds: float) -> None:
        """How long a batch took, from which `retry_after_seconds` is told, and what can be answered in time."""
        if self.target is not None:
            self.target.times.add(tokens, seconds)
        rate = tokens / max(seconds, 1e-6)
        self._rate = rate if self._rate == 0.0 else 0.9 * self._rate + 0.1 * rate
        if 2 * tokens >= self.batch_tokens:
            self._full_rate = rate if self._full_rate == 0.0 else 0.9 * self._full_rate + 0.1 * rate

    def answered(self, ticket: Ticket, now: float) -> None:
        """All outputs of a request are there."""
        if self.target is not None and ticket.is_small:
            self.target.answered(now - ticket.arrived)

    @property
    def retry_after_seconds(self) -> int:
        """After how long half of what waits now will have been computed."""
        seconds = 0.5 * self.waiting / self._rate if self._rate else 0.0
        return min(max(math.ceil(seconds), LEAST_RETRY_SECONDS), MOST_RETRY_SECONDS)

    @property
    def clients(self) -> int:
        """Flows that anything waits in."""
        return len(self._flows)

    def _is_in_time(self, demand: Demand, is_small: bool, now: float) -> bool:
        """Whether a request can be expected to have its turns before its deadline."""
        if not self._full_rate or not self.waiting:
            return True
        # Clients take turns, and what fits into a batch overtakes what does not.
        before = self._small if is_small else self._waiting_of
        clients = len(self._waiting_of) + (demand.client not in self._waiting_of)
        tokens = min(clients * (before[demand.client] + demand.tokens), self.waiting + demand.tokens)
        return tokens <= SURE * (demand.deadline - now) * self._full_rate

    def _is_within_target(self, demand: Demand) -> bool:
        """Whether a request that fits into a batch can be answered in time; where none waits, nothing is sooner."""
        if self.target is None or not self._small:
            return True
        # They take turns: what the others ask for in their turns is as much as this one in its own.
        clients = len(self._small) + (demand.client not in self._small)
        own = self._small[demand.client] + demand.tokens
        return clients * own <= self.target.waiting_tokens(self.batch_tokens)

    def _drop_late(self, now: float) -> None:
        while self._deadlines and (self._deadlines[0][0] <= now or self._deadlines[0][2].over):
            ticket = heapq.heappop(self._deadlines)[2]
            if not ticket.over and not ticket.is_given:
                self.cancel(ticket)
                self.late.append(ticket)

    def _next_ticket(self) -> Ticket | None:
        """Takes out the request whose turn it is; its flow is not queued any more."""
        while self._turns:
            flow = heapq.heappop(self._turns)[2]
            flow.is_queued = False
            while flow.tickets:
                ticket = heapq.heappop(flow.tickets)[2]
                if ticket.is_waiting:
                    return ticket
        return None

    def _charge(self, ticket: Ticket, length: int) -> None:
        flow = ticket.flow
        self._turn = max(self._turn, flow.turn)
        flow.turn += length / SHARES[ticket.demand.priority]
        ticket.given += 1
        ticket.served += length
        self.ready -= length
        self._hold(ticket, -length)

    def _hold(self, ticket: Ticket, more: int) -> None:
        """A request takes so many tokens more of the queue, or fewer."""
        client = ticket.demand.client
        ticket.waiting += more
        self.waiting += more
        self._waiting_of[client] += more
        if not self._waiting_of[client]:
            del self._waiting_of[client]
        if ticket.is_small:
            self._small[client] += more
            if not self._small[client]:
                del self._small[client]

    def _queue(self, ticket: Ticket) -> None:
        order = ticket.served + AGEING * ticket.arrived
        heapq.heappush(ticket.flow.tickets, (order, next(self._numbers), ticket))
        self._requeue(ticket.flow)

    def _requeue(self, flow: Flow) -> None:
        if flow.tickets and not flow.is_queued:
            flow.is_queued = True
            heapq.heappush(self._turns, (flow.turn, next(self._numbers), flow))

    def _leave(self, flow: Flow) -> None:
        """One request less. Clients come and go: a flow that nothing waits in is not kept."""
        flow.requests -= 1
        if not flow.requests:
            del self._flows[flow.key]


class _Batch:
    """A batch that is being filled."""

    def __init__(self, budget: int, cost: Callable[[int, int], int]) -> None:
        self.first_windows: dict[Ticket, int] = {}
        self._budget = budget
        self._cost = cost
        self._lengths: list[int] = []
        self._longest = 0
        self._total = 0

    @property
    def is_full(self) -> bool:
        return self._total >= self._budget

    def has_room(self, length: int) -> bool:
        """Whether a window fits beside the others; the first one always does."""
        return not self._lengths or self._total_with(length) <= self._budget

    def add(self, ticket: Ticket, length: int) -> None:
        self._total = self._total_with(length)
        self._longest = max(self._longest, length)
        self._lengths.append(length)
        self.first_windows.setdefault(ticket, ticket.given)

    def _total_with(self, length: int) -> int:
        if length <= self._longest:
            return self._total + self._cost(length, self._longest)
        return sum(self._cost(one, length) for one in (*self._lengths, length))
