"""Tried on hours of a clock that is only a number."""

from __future__ import annotations

import heapq
import random
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bertkit.errors import Overloaded, RequestTooLarge
from bertkit.inference.backend import BatchShape
from bertkit.inference.latency import LatencyTarget
from bertkit.inference.scheduler import AGEING, SHARES, Demand, Priority, Scheduler, Slice, Ticket

RATE = 400.0  # tokens a second that the pretended device computes: a slow one, so that hours have few requests


def ask(
    scheduler: Scheduler,
    lengths: Sequence[int],
    now: float = 0.0,
    client: str = "",
    priority: Priority = "normal",
    wait: float = 1e9,
) -> Ticket:
    """A request that is tokenised at once."""
    ticket = scheduler.submit(Demand(sum(lengths), client, priority, now + wait), now)
    scheduler.provide(ticket, lengths)
    return ticket


def tokens_of(batch: Sequence[Slice]) -> int:
    return sum(one.ticket.lengths[window] for one in batch for window in one.windows)


def drain(scheduler: Scheduler, now: float = 0.0) -> Iterator[Sequence[Slice]]:
    while batch := scheduler.next_batch(now):
        yield batch


class Hours:
    """A device that computes what a scheduler gives it, and people who ask.

    Args:
        rate: tokens a second that it computes, at any time.
    """

    def __init__(self, scheduler: Scheduler, rate: Callable[[float], float] = lambda now: RATE) -> None:
        self.scheduler = scheduler
        self.rate = rate
        self.refused: Counter[str] = Counter()
        self.done: dict[Ticket, float] = {}
        self.late: list[Ticket] = []

    def run(self, asked: Sequence[tuple[float, Sequence[int], str, Priority, float]]) -> None:
        """Plays all requests to their end: time, windows, client, priority, patience."""
        coming = list(reversed(asked))
        now = 0.0
        while True:
            while coming and coming[-1][0] <= now:
                at, lengths, client, priority, patience = coming.pop()
                try:
                    ask(self.scheduler, lengths, at, client, priority, patience)
                except Overloaded:
                    self.refused[client] += 1
            batch = self.scheduler.next_batch(now)
            self.late += self.scheduler.late
            self.scheduler.late.clear()
            if not batch and not coming:
                return
            if not batch:
                now = coming[-1][0]
                continue
            tokens = tokens_of(batch)
            assert tokens <= self.scheduler.batch_tokens or len(batch) == 1
            seconds = 0.002 + tokens / self.rate(now)
            now += seconds
            self.scheduler.computed(tokens, seconds)
            for one in batch:
                if one.windows.stop == len(one.ticket.lengths):
                    self.done[one.ticket] = now
                    self.scheduler.answered(one.ticket, now)

    def waits(self, client: str) -> list[float]:
        return sorted(end - one.arrived for one, end in self.done.items() if one.demand.client == client)


def poisson(seed: int, per_second: float, seconds: float) -> Iterator[float]:
    drawn = random.Random(seed)
    now = 0.0
    while (now := now + drawn.expovariate(per_second)) < seconds:
        yield now


def merged(*streams: Sequence[tuple[float, Sequence[int], str, Priority, float]]) -> list:
    return list(heapq.merge(*streams, key=lambda one: one[0]))


@settings(max_examples=60)
@given(
    st.lists(st.lists(st.integers(1, 600), min_size=1, max_size=9), min_size=1, max_size=30),
    st.sampled_from([(), (64, 128, 256, 512)]),
)
def test_every_window_is_in_one_batch_and_batches_keep_to_the_budget(
    requests: list[list[int]], buckets: tuple[int, ...]
) -> None:
    cost = BatchShape.cost.__get__(type("", (), {"buckets": buckets})())
    scheduler = Scheduler(512, 1_000_000, cost)
    tickets = [ask(scheduler, lengths, client=str(n % 3)) for n, lengths in enumerate(requests)]
    given_out: dict[Ticket, list[int]] = defaultdict(list)
    for batch in drain(scheduler):
        lengths = [one.ticket.lengths[window] for one in batch for window in one.windows]
        assert len(lengths) == 1 or sum(cost(length, max(lengths)) for length in lengths) <= 512
        for one in batch:
            given_out[one.ticket] += one.windows
    assert [given_out[ticket] for ticket in tickets] == [list(range(len(lengths))) for lengths in requests]
    assert scheduler.waiting == scheduler.ready == scheduler.clients == 0


def test_a_permit_comes_before_any_work() -> None:
    scheduler = Scheduler(100, 2_000)
    first = scheduler.submit(Demand(900), now=0.0)
    with pytest.raises(Overloaded, match="900 tokens are waiting") as refused:
        scheduler.submit(Demand(101), now=0.0)
    assert refused.value.retry_after_seconds == 1
    scheduler.provide(first, [100] * 3)  # it was fewer than it looked like: there is room again
    scheduler.submit(Demand(700), now=0.0)
    with pytest.raises(Overloaded):
        scheduler.submit(Demand(1), now=0.0)


def test_one_request_that_never_fits_is_told_so() -> None:
    with pytest.raises(RequestTooLarge, match="about 1,001 tokens; one can have 1,000"):
        Scheduler(100, 2_000).submit(Demand(1_001), now=0.0)


def test_a_client_leaves_as_much_room_as_it_takes() -> None:
    scheduler = Scheduler(100, 2_000)
    scheduler.submit(Demand(1_000, "greedy"), now=0.0)
    with pytest.raises(Overloaded):
        scheduler.submit(Demand(1, "greedy"), now=0.0)
    scheduler.submit(Demand(500, "modest"), now=0.0)
    scheduler.submit(Demand(250, "another"), now=0.0)


def test_when_to_ask_again_is_told_from_what_batches_took() -> None:
    scheduler = Scheduler(1_000, 200_000)
    ask(scheduler, [500] * 200)
    scheduler.computed(1_000, 0.1)
    with pytest.raises(Overloaded) as refused:
        scheduler.submit(Demand(1), now=0.0)
    assert refused.value.retry_after_seconds == 5  # half of 100,000 tokens at 10,000 a second


def test_what_was_cancelled_or_is_late_is_not_computed() -> None:
    scheduler = Scheduler(100, 10_000)
    gone, late, unread = (
        ask(scheduler, [60]),
        ask(scheduler, [60], wait=5),
        scheduler.submit(Demand(60, "", "low", 5), 0.0),
    )
    kept = ask(scheduler, [60])
    scheduler.cancel(gone)
    scheduler.cancel(gone)
    assert [one.ticket for batch in drain(scheduler, now=5.0) for one in batch] == [kept]
    assert scheduler.late == [late, unread]
    scheduler.provide(unread, [60])
    assert not scheduler.next_batch(6.0)
    assert scheduler.waiting == scheduler.ready == scheduler.clients == 0


def test_what_is_left_of_a_request_is_dropped_when_it_is_late() -> None:
    scheduler = Scheduler(100, 10_000)
    ticket = ask(scheduler, [100] * 5, wait=5)
    scheduler.next_batch(1.0)
    assert not scheduler.next_batch(5.0)
    assert (ticket.given, scheduler.late, scheduler.waiting) == (1, [ticket], 0)


def test_a_request_that_is_all_in_batches_is_neither_late_nor_cancelled_any_more() -> None:
    scheduler = Scheduler(100, 10_000)
    ticket = ask(scheduler, [100], wait=5)
    scheduler.next_batch(1.0)
    scheduler.next_batch(9.0)
    scheduler.cancel(ticket)
    assert not scheduler.late
    assert not ticket.over


def test_a_short_text_goes_beside_a_long_one_of_the_same_client() -> None:
    scheduler = Scheduler(1_024, 1_000_000)
    long = ask(scheduler, [512] * 200)
    scheduler.next_batch(0.0)
    short = ask(scheduler, [8], now=0.1)
    batch = scheduler.next_batch(0.2)
    assert {one.ticket for one in batch} == {long, short}


def test_a_window_that_has_no_room_is_in_the_next_batch() -> None:
    scheduler = Scheduler(100, 1_000_000)
    ask(scheduler, [60], client="a")
    wide = ask(scheduler, [60], client="b")
    small = [ask(scheduler, [10], client="c", now=n) for n in range(20)]
    first, second = scheduler.next_batch(20.0), scheduler.next_batch(20.0)
    assert wide not in {one.ticket for one in first}
    assert {one.ticket for one in first} & set(small), "what fits goes beside it"
    assert second[0].ticket is wide


@pytest.mark.parametrize("priority", SHARES)
def test_clients_have_equal_shares_whatever_they_ask_for(priority: Priority) -> None:
    scheduler = Scheduler(1_024, 10_000_000)
    ask(scheduler, [512] * 1_000, client="one large request", priority=priority)
    for _ in range(5_000):
        ask(scheduler, [16], client="many small ones", priority=priority)
    had: Counter[str] = Counter()
    for _ in range(100):
        for one in scheduler.next_batch(0.0):
            had[one.ticket.demand.client] += tokens_of([one])
    assert had["one large request"] == pytest.approx(had["many small ones"], rel=0.05)


def test_priorities_are_shares_and_the_lowest_is_served_too() -> None:
    scheduler = Scheduler(1_024, 10_000_000)
    for priority in SHARES:
        ask(scheduler, [64] * 20_000, priority=priority)
    had: Counter[str] = Counter()
    for _ in range(500):
        for one in scheduler.next_batch(0.0):
            had[one.ticket.demand.priority] += tokens_of([one])
    total = sum(SHARES.values())
    for priority, share in SHARES.items():
        assert had[priority] / had.total() == pytest.approx(share / total, rel=0.05)


def test_nobody_saves_up_turns() -> None:
    scheduler = Scheduler(100, 1_000_000)
    ask(scheduler, [100] * 100, client="busy")
    for _ in range(50):
        scheduler.next_batch(0.0)
    ask(scheduler, [100] * 100, client="new")
    served = [scheduler.next_batch(0.0)[0].ticket.demand.client for _ in range(10)]
    assert Counter(served) == {"busy": 5, "new": 5}


def test_hours_below_capacity_leave_nobody_waiting() -> None:
    drawn = random.Random(1)
    texts = [(at, [drawn.randint(5, 60)], "texts", "normal", 60.0) for at in poisson(2, 4, 7_200)]
    books = [(at, [256] * 100, "books", "normal", 3_000.0) for at in poisson(3, 0.006, 7_200)]
    hours = Hours(Scheduler(512, 1_000_000))
    hours.run(merged(texts, books))
    assert not hours.refused
    assert not hours.late
    assert len(hours.done) == len(texts) + len(books)
    waits = hours.waits("texts")
    assert waits[int(0.99 * len(waits))] < 6, "a book of a minute is in nobody's way"
    assert hours.waits("books")[-1] < 1_200


def test_hours_of_twice_what_can_be_computed() -> None:
    """The queue stays bounded, what is accepted is answered in time or dropped, and each client has its share."""
    drawn = random.Random(4)
    greedy = [(at, [drawn.randint(20, 200)] * 8, "greedy", "normal", 60.0) for at in poisson(5, 0.9, 7_200)]
    modest = [(at, [drawn.randint(20, 60)], "modest", "normal", 60.0) for at in poisson(6, 1, 7_200)]
    hours = Hours(Scheduler(512, 12_000))
    hours.run(merged(greedy, modest))
    assert len(hours.done) + len(hours.late) + hours.refused.total() == len(greedy) + len(modest)
    assert hours.refused["greedy"] > 0.3 * len(greedy)
    assert not hours.refused["modest"]
    waits = hours.waits("modest")
    assert waits[int(0.99 * len(waits))] < 6, "who asks for less than a share does not feel the others"
    assert all(end - one.arrived < 62 for one, end in hours.done.items())


def test_a_large_request_ages_among_small_ones_that_never_end() -> None:
    """Newcomers of the same client overtake it, but each second of waiting makes up for tokens that it has had."""
    small = [(n / 4, [100], "", "normal", 1e9) for n in range(4 * 1_800)]  # 400 tokens a second: all there is
    large = [(1.0, [256] * 40, "", "normal", 1e9)]
    hours = Hours(Scheduler(512, 100_000_000))
    hours.run(merged(small, large))
    (end,) = [end for one, end in hours.done.items() if len(one.lengths) == 40]
    assert end - 1.0 < 256 * 40 / AGEING + 60


TARGET = 1.0


def texts(seed: int, tokens_a_second: float, seconds: float = 900, client: str = "texts") -> list:
    drawn = random.Random(seed)
    return [(at, [drawn.randint(5, 55)], client, "normal", 60.0) for at in poisson(seed, tokens_a_second / 30, seconds)]


def test_hours_within_a_target_refuse_nobody_where_there_is_time_for_all() -> None:
    hours = Hours(Scheduler(512, 100_000, target=LatencyTarget(TARGET)))
    asked = texts(1, 0.4 * RATE)
    hours.run(asked)
    waits = hours.waits("texts")
    assert waits[int(0.95 * len(waits))] < TARGET
    assert hours.refused["texts"] < 0.01 * len(asked)


@pytest.mark.parametrize("with_books", [False, True])
def test_hours_of_twice_what_can_be_computed_within_a_target(with_books: bool) -> None:
    """What is let in is answered in time, by a machine that is kept busy, though another client asks for books."""
    books = [(at, [256] * 40, "books", "normal", 3_000.0) for at in poisson(3, 0.01, 900)] if with_books else []
    hours = Hours(Scheduler(512, 100_000, target=LatencyTarget(TARGET)))
    hours.run(merged(texts(2, 2 * RATE), books))
    waits = hours.waits("texts")
    assert waits[int(0.95 * len(waits))] < TARGET
    computed = sum(sum(one.lengths) for one in hours.done)
    assert computed > 0.8 * RATE * 900
    if with_books:
        assert hours.waits("books")
        assert not hours.refused["books"]


def test_a_target_is_kept_when_the_machine_becomes_slower() -> None:
    hours = Hours(Scheduler(512, 100_000, target=LatencyTarget(TARGET)), lambda now: RATE if now < 450 else RATE / 3)
    hours.run(texts(4, RATE))
    later = sorted(end - one.arrived for one, end in hours.done.items() if one.arrived > 550)
    assert later[int(0.95 * len(later))] < TARGET


def test_one_client_does_not_take_all_of_the_time() -> None:
    hours = Hours(Scheduler(512, 100_000, target=LatencyTarget(TARGET)))
    modest = texts(5, 0.2 * RATE, client="modest")
    hours.run(merged(texts(6, 3 * RATE, client="greedy"), modest))
    assert hours.refused["modest"] < 0.25 * len(modest)
    waits = hours.waits("modest")
    assert waits[int(0.95 * len(waits))] < TARGET


def test_one_long_text_among_ten_thousand_short_ones_is_in_nobodys_way_and_nobody_in_its() -> None:
    drawn = random.Random(7)
    short = [(0.01 * n, [drawn.randint(1, 5)], "short", "normal", 60.0) for n in range(10_000)]
    long = [(50.0, [512], "long", "normal", 60.0)]
    hours = Hours(Scheduler(512, 100_000))
    hours.run(merged(short, long))
    assert len(hours.done) == 10_001
    assert hours.waits("short")[-1] < 2 * (0.002 + 512 / RATE) + 0.5
    assert hours.waits("long")[0] < 3


def test_what_would_be_too_late_is_refused_at_once_and_not_dropped_later() -> None:
    """A queue that is larger than what is computed within anyone's patience."""
    hours = Hours(Scheduler(512, 100_000))
    hours.run(texts(8, 2 * RATE))
    accepted = len(hours.done) + len(hours.late)
    assert len(hours.late) < 0.01 * accepted
    assert hours.refused["texts"] > 0.3 * (accepted + hours.refused["texts"])
    assert sum(sum(one.lengths) for one in hours.done) > 0.95 * RATE * 900


def test_small_batches_say_nothing_of_what_can_be_done() -> None:
    scheduler = Scheduler(512, 100_000)
    for _ in range(50):
        scheduler.computed(8, 0.005)
    ask(scheduler, [100])
    ask(scheduler, [100] * 480, wait=10.0)
    for _ in range(50):
        scheduler.computed(512, 1.0)
    with pytest.raises(Overloaded, match="in time"):
        ask(scheduler, [100], client="other", wait=0.1)
    ask(scheduler, [100], client="other", wait=10.0)
