"""What requests at one rate took: counts of what came back, and percentiles of the time from when each was due."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from bertkit.benchmarking.open_loop import LOST, TIMEOUT, SentRequest

ANSWERED = "200"
SHARES = {"p50": 0.50, "p90": 0.90, "p95": 0.95, "p99": 0.99, "p99.9": 0.999, "max": 1.0}
KEPT_UP = 0.9  # of the requests, answered by the time that the last one was due


@dataclass(frozen=True, slots=True)
class LoadStep:
    """What one rate brought.

    Attributes:
        rate: requests a second that were to be sent.
        seconds: how long they were sent.
        requests: all of them, by when they were due.
    """

    rate: float
    seconds: float
    requests: Sequence[SentRequest]

    @property
    def statuses(self) -> dict[str, int]:
        """How many had each status."""
        return dict(sorted(Counter(one.reply.status for one in self.requests).items()))

    @property
    def verdicts(self) -> dict[str, int]:
        """How many of the checked answers were right, wrong, or another text's."""
        found = Counter(one.reply.verdict for one in self.requests if one.reply.verdict is not None)
        return {name: found[name] for name in ("right", "wrong", "mixed up")} if found else {}

    @property
    def answered(self) -> list[SentRequest]:
        """The requests that have an answer."""
        return [one for one in self.requests if one.reply.status == ANSWERED]

    @property
    def refused(self) -> list[SentRequest]:
        """The requests that were told that they have none."""
        return [one for one in self.requests if one.reply.status not in (ANSWERED, LOST, TIMEOUT)]

    @property
    def answered_a_second(self) -> float:
        """Answers while requests were sent: those that came later were queued, not kept up with."""
        return sum(one.done <= self.seconds for one in self.answered) / self.seconds

    @property
    def keeps_up(self) -> bool:
        """Whether nearly all that was due was answered in the same time."""
        return self.answered_a_second * self.seconds >= KEPT_UP * len(self.requests)

    def record(self) -> dict[str, object]:
        """As JSON; times are milliseconds from when a request was due."""
        return {
            "rate": self.rate,
            "seconds": self.seconds,
            "requests": len(self.requests),
            "answered_a_second": round(self.answered_a_second, 3),
            "keeps_up": self.keeps_up,
            "statuses": self.statuses,
            "answered_milliseconds": percentiles([one.seconds for one in self.answered]),
            "refused_milliseconds": percentiles([one.seconds for one in self.refused]),
            "sent_late_milliseconds": percentiles([one.sent - one.due for one in self.requests]),
            "checked": self.verdicts,
        }


def percentiles(seconds: Sequence[float]) -> dict[str, float]:
    """Of seconds, in milliseconds, each one that was measured; none of nothing."""
    ordered = sorted(seconds)
    return {name: round(1e3 * percentile(ordered, share), 3) for name, share in SHARES.items()} if ordered else {}


def percentile(ordered: Sequence[float], share: float) -> float:
    """The least value that so many are at most; of values in order, at least one."""
    return ordered[max(-(-len(ordered) * round(share * 1e6) // 1_000_000), 1) - 1]
