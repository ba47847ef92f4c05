"""When requests arrive whose senders do not know of one another: at random, whether or not the last is answered."""

from __future__ import annotations

import random


def poisson_arrivals(rate: float, seconds: float, seed: int = 0) -> list[float]:
    """Seconds from the start at which requests arrive, ascending.

    Args:
        rate: requests a second, on average.
        seconds: how long they arrive.
    """
    chance = random.Random(seed)
    arrivals: list[float] = []
    now = chance.expovariate(rate)
    while now < seconds:
        arrivals.append(now)
        now += chance.expovariate(rate)
    return arrivals
