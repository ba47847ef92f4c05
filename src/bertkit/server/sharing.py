"""The same windows of one client are computed once: while they are being computed, and, if wanted, for some time after.

What a network makes of a window depends on its tokens alone, whatever else is asked of it: how long texts are cut, how
many labels are told. So its numbers are what is shared, not answers. Nothing is shared between clients: how soon an
answer comes would tell one what another has asked. Everything here is of one set of models; others begin anew.
"""

from __future__ import annotations

import asyncio
from collections import Counter, OrderedDict
from collections.abc import Awaitable, Callable, Hashable, Sequence

import numpy as np

from bertkit.inference.backend import Outputs
from bertkit.tasks.contract import Array
from bertkit.tokenization.windows import Window

Key = tuple[Hashable, ...]
Compute = Callable[[list[Window]], Awaitable[list[Outputs]]]
ENTRY_BYTES = 1_000  # of Python's objects, about, beside the numbers


class OutputCache:
    """Outputs of windows, the last used ones, up to a number of bytes."""

    def __init__(self, most_bytes: int) -> None:
        self.most_bytes = most_bytes
        self.bytes = 0
        self._kept: OrderedDict[Key, Outputs] = OrderedDict()

    def get(self, key: Key) -> Outputs | None:
        """What is kept of a window."""
        found = self._kept.get(key)
        if found is not None:
            self._kept.move_to_end(key)
        return found

    def clear(self) -> None:
        """Keeps nothing of it."""
        self._kept.clear()
        self.bytes = 0

    def put(self, key: Key, outputs: Outputs) -> None:
        """Keeps the outputs of a window, and lets go of those that were not used for the longest time."""
        size = _size(key, outputs)
        if key in self._kept or size > self.most_bytes:
            return
        # A copy: what is computed is a part of what its whole batch gave.
        self._kept[key] = tuple(_unwritable(part.copy()) for part in outputs)
        self.bytes += size
        while self.bytes > self.most_bytes:
            self.bytes -= _size(*self._kept.popitem(last=False))


class SharedOutputs:
    """Who asks for windows, and who has asked for the same. It is used by one event loop alone.

    Args:
        cache_bytes: of outputs that are kept for those who ask later; 0 keeps none.

    Attributes:
        counts: of windows, by where their outputs came from: `computed`, `in flight`, `cache`.
    """

    def __init__(self, cache_bytes: int = 0) -> None:
        self.cache = OutputCache(cache_bytes)
        self.counts: Counter[str] = Counter()
        self._flights: dict[Key, asyncio.Future[Outputs | None]] = {}

    async def outputs(self, windows: Sequence[Window], scope: Key, most_tokens: int, compute: Compute) -> list[Outputs]:
        """The outputs of each window.

        Args:
            scope: the network, the client and its priority, within which windows are shared.
            most_tokens: of windows that others wait for. One with few would wait long for one with many.
            compute: gives those of windows that nobody has; it is called again where whoever computed them for us
                did not see it through.
        """
        keys = [_key(window, scope) for window in windows]
        wanted = dict(zip(keys, windows, strict=True))
        self.counts["in flight"] += len(windows) - len(wanted)
        found: dict[Key, Outputs] = {}
        while missing := [key for key in wanted if key not in found]:
            for key in missing:
                if (kept := self.cache.get(key)) is not None:
                    found[key] = kept
                    self.counts["cache"] += 1
            flights = {key: self._flights[key] for key in missing if key not in found and key in self._flights}
            own = {key: wanted[key] for key in missing if key not in found and key not in flights}
            if own:
                found |= await self._computed(own, most_tokens, compute)
            for key, flight in flights.items():
                await asyncio.wait({flight})  # not the future itself: to be cancelled would cancel it for all
                if (landed := flight.result()) is not None:
                    found[key] = landed
                    self.counts["in flight"] += 1
        return [found[key] for key in keys]

    async def _computed(self, own: dict[Key, Window], most_tokens: int, compute: Compute) -> dict[Key, Outputs]:
        loop = asyncio.get_running_loop()
        is_small = sum(len(window.ids) for window in own.values()) <= most_tokens
        flights = {key: loop.create_future() for key in own} if is_small else {}
        self._flights.update(flights)
        landed: dict[Key, Outputs] = {}
        try:
            for key, parts in zip(own, await compute(list(own.values())), strict=True):
                landed[key] = tuple(map(_unwritable, parts))
                self.cache.put(key, parts)
        finally:
            for key, flight in flights.items():
                del self._flights[key]
                flight.set_result(landed.get(key))  # None where it failed, or whoever asked has gone
        self.counts["computed"] += len(own)
        return landed


def _key(window: Window, scope: Key) -> Key:
    ids, segments = (np.asarray(part, np.int32).tobytes() for part in (window.ids, window.segments))
    return (*scope, ids, segments)


def _size(key: Key, outputs: Outputs) -> int:
    return ENTRY_BYTES + sum(len(part) for part in key if isinstance(part, bytes)) + sum(one.nbytes for one in outputs)


def _unwritable(part: Array) -> Array:
    """What several read, nobody writes to."""
    part = part.view()
    part.setflags(write=False)
    return part
