"""Windows that several ask for are computed once; whoever they were computed for, nobody waits in vain."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import numpy as np
import pytest

from bertkit.inference.backend import Outputs
from bertkit.server.sharing import ENTRY_BYTES, OutputCache, SharedOutputs
from bertkit.tokenization.windows import Window

SCOPE = ("lane", "ada", "normal")


def window(*ids: int, segment: int = 0) -> Window:
    return Window(list(ids), [segment] * len(ids), None, [range(len(ids))], [range(len(ids))])


def outputs(value: float, count: int = 1) -> Outputs:
    return (np.full((1, count), value, np.float32),)


class Network:
    """Gives the sum of a window's ids, when it may."""

    def __init__(self) -> None:
        self.seen: list[list[list[int]]] = []
        self.may_go = asyncio.Event()
        self.fails = 0

    async def compute(self, windows: list[Window]) -> list[Outputs]:
        self.seen.append([list(one.ids) for one in windows])
        await self.may_go.wait()
        if self.fails:
            self.fails -= 1
            raise RuntimeError("no")
        return [outputs(sum(one.ids)) for one in windows]


def values(got: Sequence[Outputs]) -> list[float]:
    return [float(parts[0][0, 0]) for parts in got]


async def settled() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


def test_what_is_in_flight_is_waited_for() -> None:
    async def check() -> None:
        network, shared = Network(), SharedOutputs()
        ask = [
            asyncio.ensure_future(shared.outputs(windows, scope, 100, network.compute))
            for windows, scope in (
                ([window(1), window(2), window(1)], SCOPE),
                ([window(2), window(3)], SCOPE),
                ([window(2)], ("lane", "charles", "normal")),
                ([window(2)], ("other lane", "ada", "normal")),
                ([window(2)], ("lane", "ada", "high")),
                ([window(2, segment=1)], SCOPE),
            )
        ]
        await settled()
        network.may_go.set()
        assert [values(await one) for one in ask] == [[1, 2, 1], [2, 3], [2], [2], [2], [2]]
        assert network.seen == [[[1], [2]], [[3]], [[2]], [[2]], [[2]], [[2]]]
        assert shared.counts == {"computed": 7, "in flight": 2}
        # Nothing is kept of it.
        await shared.outputs([window(2)], SCOPE, 100, network.compute)
        assert len(network.seen) == 7

    asyncio.run(check())


def test_one_that_has_gone_or_failed_leaves_it_to_those_who_wait() -> None:
    async def check() -> None:
        network, shared = Network(), SharedOutputs()
        first, second, third = (
            asyncio.ensure_future(shared.outputs([window(2)], SCOPE, 100, network.compute)) for _ in range(3)
        )
        await settled()
        first.cancel()
        await settled()
        assert network.seen == [[[2]], [[2]]]
        network.fails = 1
        network.may_go.set()
        with pytest.raises(RuntimeError):
            await second
        assert values(await third) == [2]
        assert len(network.seen) == 3

    asyncio.run(check())


def test_one_that_waits_may_go_without_the_others() -> None:
    async def check() -> None:
        network, shared = Network(), SharedOutputs()
        first, second, third = (
            asyncio.ensure_future(shared.outputs([window(2)], SCOPE, 100, network.compute)) for _ in range(3)
        )
        await settled()
        second.cancel()
        network.may_go.set()
        assert values(await first) == values(await third) == [2]
        assert second.cancelled()
        assert len(network.seen) == 1

    asyncio.run(check())


def test_nobody_waits_for_one_with_many() -> None:
    async def check() -> None:
        network, shared = Network(), SharedOutputs()
        asked = [
            asyncio.ensure_future(shared.outputs(windows, SCOPE, 5, network.compute))
            for windows in ([window(*range(6)), window(2)], [window(2)])
        ]
        await settled()
        assert len(network.seen) == 2
        network.may_go.set()
        assert [values(await one) for one in asked] == [[15, 2], [2]]

    asyncio.run(check())


def test_what_is_kept_is_not_computed_again_and_cannot_be_written_to() -> None:
    async def check() -> None:
        network, shared = Network(), SharedOutputs(cache_bytes=10_000)
        network.may_go.set()
        for _ in range(2):
            (got,) = await shared.outputs([window(2)], SCOPE, 100, network.compute)
            assert values([got]) == [2]
            with pytest.raises(ValueError, match="read-only"):
                got[0][0, 0] = 7
        await shared.outputs([window(2)], ("lane", "charles", "normal"), 100, network.compute)
        assert (len(network.seen), shared.counts["cache"]) == (2, 1)

    asyncio.run(check())


def test_a_cache_keeps_what_was_used_last_within_its_bytes() -> None:
    size = ENTRY_BYTES + 4 * 100
    cache = OutputCache(2 * size + 10)
    for name in ("a", "b"):
        cache.put((name,), outputs(1, 100))
    assert cache.get(("a",)) is not None
    cache.put(("c",), outputs(1, 100))
    assert [cache.get((name,)) is not None for name in ("a", "b", "c")] == [True, False, True]
    assert cache.bytes == 2 * size
    cache.put(("a",), outputs(2, 100))
    assert cache.bytes == 2 * size
    cache.put(("large",), outputs(1, 10_000))
    assert cache.get(("large",)) is None
    assert cache.get(("a",)) is not None


def test_what_is_kept_does_not_hold_its_whole_batch() -> None:
    cache = OutputCache(1_000_000)
    batch = np.zeros((1000, 10), np.float32)
    cache.put(("a",), (batch[:1],))
    kept = cache.get(("a",))
    assert kept is not None
    assert not np.shares_memory(kept[0], batch)
