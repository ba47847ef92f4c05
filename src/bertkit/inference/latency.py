"""How soon answers should come, and what follows of it: how large batches may be, and how much may wait. Torch-free.

What a batch takes is taken to be a time for itself and a time for each token, fitted to the last batches; so a machine
that becomes slower, or that others use too, is followed. A short text that comes waits for the batch that is computed,
for the one that is prepared, for those who came before it, and for its own. Batches are so small that the first two
and its own leave most of the time to the others, and of those so many are let in as the rest of the time has room for.
Where answers are late all the same, fewer are let in, until as many are late as may be.
"""

from __future__ import annotations

from dataclasses import dataclass

PARTS = 5  # of the target, that one batch may take
BATCHES = 3  # that a request may have to wait for, or be in, whoever else is waiting
MARGIN = 0.9  # of the target; the rest is for reading texts and writing answers
LATE_SHARE = 0.05  # may take longer than the target
STEP = 0.005  # by which room is made larger after an answer in time; after a late one as much more as balances
LEAST_ROOM, MOST_ROOM = 0.02, 2.0
KEPT, LEAST_SAMPLES = 255 / 256, 4  # of what a batch counts when the next one comes; batches before a line is drawn


@dataclass(slots=True)
class BatchTimes:
    """What the last batches took, a line through them: those long ago count less and less.

    Attributes:
        seconds_a_batch, seconds_a_token: 0 and 0 where there are too few.
    """

    seconds_a_batch: float = 0.0
    seconds_a_token: float = 0.0
    _count: float = 0.0
    _tokens: float = 0.0
    _seconds: float = 0.0
    _tokens_squared: float = 0.0
    _products: float = 0.0

    def add(self, tokens: int, seconds: float) -> None:
        """A batch was computed."""
        self._count = KEPT * self._count + 1
        self._tokens = KEPT * self._tokens + tokens
        self._seconds = KEPT * self._seconds + seconds
        self._tokens_squared = KEPT * self._tokens_squared + tokens * tokens
        self._products = KEPT * self._products + tokens * seconds
        if self._count > LEAST_SAMPLES - 0.5:
            self._fit()

    @property
    def is_known(self) -> bool:
        """Whether there is enough to go by."""
        return self.seconds_a_token > 0

    def seconds(self, tokens: int) -> float:
        """What a batch of so many tokens takes."""
        return self.seconds_a_batch + tokens * self.seconds_a_token

    def tokens(self, seconds: float) -> int:
        """Tokens of a batch that takes so long; at least as many as take the time that it takes for itself.

        With fewer it would be soon done, and most of what the machine does in vain.
        """
        least = max(self.seconds_a_batch, self.seconds_a_token)
        return int(max(seconds - self.seconds_a_batch, least) / self.seconds_a_token)

    def _fit(self) -> None:
        mean_tokens, mean_seconds = self._tokens / self._count, self._seconds / self._count
        spread = self._tokens_squared / self._count - mean_tokens**2
        joint = self._products / self._count - mean_tokens * mean_seconds
        slope = joint / spread if spread > 1e-9 * mean_tokens**2 else 0.0
        most = mean_seconds / mean_tokens  # where a batch takes no time of its own
        self.seconds_a_token = slope if 0 < slope <= most else most
        self.seconds_a_batch = max(mean_seconds - self.seconds_a_token * mean_tokens, 0.0)


class LatencyTarget:
    """The time in which 95 of 100 requests should be answered, of those that fit into a batch.

    Larger ones take their time; they are let in as far as the queue has room, and take turns with the others.

    Args:
        seconds: from a request's place in the queue to its outputs.
    """

    def __init__(self, seconds: float) -> None:
        self.target_seconds = seconds
        self.times = BatchTimes()
        self.room = 1.0  # of what the times of batches leave for those who wait

    def batch_tokens(self, most: int) -> int:
        """Tokens of a batch.

        Args:
            most: whatever the target.
        """
        return min(most, self.times.tokens(self.target_seconds / PARTS)) if self.times.is_known else most

    def waiting_tokens(self, batch_tokens: int) -> float:
        """Tokens of such requests that may wait, shared by those who ask."""
        if not self.times.is_known:
            return float("inf")
        one = self.times.seconds(batch_tokens)
        left = MARGIN * self.target_seconds - BATCHES * one
        return self.room * max(left, 0.0) * batch_tokens / one

    def answered(self, seconds: float) -> None:
        """A request that fits into a batch has its outputs, after so long."""
        if seconds <= MARGIN * self.target_seconds:
            self.room = min(self.room * (1 + STEP), MOST_ROOM)
        else:
            self.room = max(self.room / (1 + STEP) ** ((1 - LATE_SHARE) / LATE_SHARE), LEAST_ROOM)
