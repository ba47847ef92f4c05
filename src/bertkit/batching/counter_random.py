"""Random numbers that are a function of where they are used: a seed, a stream's name, and counters.

There is no state to save, to share between workers or to wind forward: number 10,000,000 costs what number 0 does, and
whoever asks for the same counters gets the same number, in whatever order, on whatever machine. Each counter goes
through the finaliser of SplitMix64 (Steele, Lea & Flood 2014, with Stafford's 13th constants), a bijection of 64 bits
in which every bit of the result hangs on every bit of the input. Not for secrets.
"""

from __future__ import annotations

import hashlib
from functools import lru_cache

import numpy as np
import numpy.typing as npt

Words = npt.NDArray[np.uint64]
Counter = int | str | npt.NDArray[np.integer]
_ALL_BITS = (1 << 64) - 1
_STEP = np.uint64(0x9E3779B97F4A7C15)
_FIRST, _SECOND = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)
_SHIFTS = np.uint64(30), np.uint64(27), np.uint64(31)
_DROPPED_BITS = np.uint64(11)  # a float64 holds 53


def mixed(seed: int | Words, *counters: Counter) -> Words:
    """64 random bits for each combination of the counters, which are broadcast against one another.

    What this gives is a seed again: `mixed(mixed(seed, a), b)` is `mixed(seed, a, b)` but for the first mixing, so that
    counters that many numbers share need to be mixed only once.

    Args:
        seed: a whole number, or bits from an earlier call.
        counters: whole numbers, arrays of them, or names (of a stream, so that two uses of a seed are independent).
    """
    with np.errstate(over="ignore"):
        bits: Words = seed if isinstance(seed, np.ndarray) else _mix(np.asarray(seed & _ALL_BITS, np.uint64) + _STEP)
        for counter in counters:
            bits = _mix((bits ^ _as_bits(counter)) + _STEP)
    return np.asarray(bits)


def uniform(seed: int | Words, *counters: Counter) -> npt.NDArray[np.float64]:
    """Numbers evenly distributed in [0, 1), 53 bits each; the arguments are those of `mixed`."""
    return np.asarray((mixed(seed, *counters) >> _DROPPED_BITS) * 2.0**-53)


def integers(bound: int | npt.NDArray[np.int64], seed: int | Words, *counters: Counter) -> npt.NDArray[np.int64]:
    """Whole numbers evenly distributed in [0, bound), for bounds far below 2^53; the rest as in `mixed`."""
    return np.asarray(uniform(seed, *counters) * bound).astype(np.int64)


def _mix(bits: Words) -> Words:
    bits = bits ^ (bits >> _SHIFTS[0])
    bits *= _FIRST
    bits ^= bits >> _SHIFTS[1]
    bits *= _SECOND
    bits ^= bits >> _SHIFTS[2]
    return bits


def _as_bits(counter: Counter) -> Words | np.uint64:
    if isinstance(counter, str):
        return np.uint64(_named(counter))
    if isinstance(counter, np.ndarray):
        return counter.astype(np.uint64)
    return np.uint64(counter & _ALL_BITS)


@lru_cache(maxsize=64)
def _named(name: str) -> int:
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "little")
