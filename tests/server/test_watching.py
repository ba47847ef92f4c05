"""What a server takes of memory, and whether what computes gets on."""

from __future__ import annotations

import ctypes
import os
import platform
from collections.abc import Iterator

import numpy as np
import pytest

from bertkit.server import watching
from bertkit.server.watching import Watchdog, bound_memory
from tests.server.conftest import Client, Serve

BODY = {"rows": ["w1"]}


@pytest.fixture
def watched(serve_models: Serve) -> Client:
    return serve_models("vectors", cache_bytes=1_000_000)


def test_nothing_is_let_in_above_the_ceiling_until_there_is_room_again(
    watched: Client, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("WARNING", "bertkit.server")
    monkeypatch.setattr(watching, "give_back", lambda: None)
    resident = [100]
    watchdog = Watchdog(watched.application, 1_000, lambda: None, lambda: resident[-1])
    service = watched.application.service
    assert service is not None
    assert watched.post("/v1/predict", BODY).status == 200
    watchdog.look()
    assert service.shared.cache.bytes > 0
    for size, status in ((1_001, 429), (980, 429), (960, 200), (999, 200)):
        resident.append(size)
        watchdog.look()
        got = watched.post("/v1/predict", BODY)
        assert got.status == status
        assert watched.get("/health").status == 200
        if status == 429:
            assert int(got.headers["retry-after"]) > 0
            assert service.shared.cache.bytes == 0
    assert caplog.text.count("its ceiling") == 2


def test_what_can_be_given_back_is_before_anyone_is_refused(watched: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    resident = [2_000]
    monkeypatch.setattr(watching, "give_back", lambda: resident.append(500))
    Watchdog(watched.application, 1_000, lambda: None, lambda: resident[-1]).look()
    assert not watched.application.is_full


def test_a_batch_that_takes_for_ever_is_told_once(watched: Client, caplog: pytest.LogCaptureFixture) -> None:
    told: list[str] = []
    application = watched.application
    assert application.service is not None
    watchdog = Watchdog(application, None, lambda: told.append("stuck"))
    watchdog.look()
    assert told == []
    application.service.worker.busy_since = application._clock() - 1_000
    watchdog.look()
    watchdog.look()
    application.service.worker.busy_since = None
    assert told == ["stuck"]
    assert "takes for ever" in caplog.text


@pytest.fixture
def as_it_was() -> Iterator[None]:
    """glibc takes back what it is told only in part: from here on it adapts no more, with sizes as it began with."""
    yield
    if platform.libc_ver()[0] == "glibc":
        ctypes.CDLL(None).mallopt(watching.M_MMAP_THRESHOLD, 32 * 2**20)
        ctypes.CDLL(None).mallopt(watching.M_TRIM_THRESHOLD, 2**31 - 1)


@pytest.mark.usefixtures("as_it_was")
def test_large_blocks_are_given_back_however_many_there_were(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without it glibc keeps blocks of the size of those that it has given back, for the next ones."""
    if platform.libc_ver()[0] != "glibc":
        pytest.skip("only glibc can be told what to keep")
    for name in [name for name in os.environ if name.startswith(("MALLOC_", "GLIBC_"))]:
        monkeypatch.delenv(name)
    del_large_block()
    bound_memory()
    assert mapped_bytes_of_large_blocks() >= 8 * 2**20


def del_large_block() -> None:
    block = np.empty(8 * 2**20, np.uint8)
    del block


class Mallinfo2(ctypes.Structure):
    _fields_ = [(name, ctypes.c_size_t) for name in "arena ord sm hblks hblkhd usm fsm uord ford keep".split()]


def mapped_bytes_of_large_blocks() -> int:
    mallinfo2 = ctypes.CDLL(None).mallinfo2
    mallinfo2.restype = Mallinfo2
    before = mallinfo2().hblkhd
    blocks = [np.empty(8 * 2**20, np.uint8) for _ in range(40)]  # the first ones may fill holes that the heap has
    found: int = mallinfo2().hblkhd - before
    assert blocks
    return found


def test_fewer_kernels_are_kept_unless_it_is_said_how_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MALLOC_ARENA_MAX", "8")  # who says anything of it is left to it
    monkeypatch.setenv("LRU_CACHE_CAPACITY", "7")
    monkeypatch.setenv("ONEDNN_PRIMITIVE_CACHE_CAPACITY", "7")
    monkeypatch.delenv("ONEDNN_PRIMITIVE_CACHE_CAPACITY")
    bound_memory()
    assert (os.environ["LRU_CACHE_CAPACITY"], os.environ["ONEDNN_PRIMITIVE_CACHE_CAPACITY"]) == ("7", "64")
