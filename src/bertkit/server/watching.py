"""Looks after a server that is running: what it takes of memory, and whether what computes gets on."""

from __future__ import annotations

import asyncio
import ctypes
import gc
import json
import logging
import os
import platform
from collections.abc import Callable
from typing import TYPE_CHECKING

from bertkit.server.metrics import resident_bytes

if TYPE_CHECKING:
    from bertkit.server.app import Application

logger = logging.getLogger("bertkit.server")
KERNELS_KEPT = "64"
LOOK_SECONDS = 1.0
BELOW = 0.97  # of the ceiling, at which it lets in again
# glibc's numbers for what may be set (malloc.h). It gives blocks from a size on back to the system as soon as they are
# free, but makes that size larger, up to 32 MiB, whenever one is: then what batches need lies between what stays, and
# with batches of all sizes the holes are never used up. Once it is set it stays.
M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3
GIVEN_BACK_BYTES = 2**20


def bound_memory() -> None:
    """Has this process keep less of what it does not use, before it computes, unless it was told what to keep.

    oneDNN and what lies over it keep a kernel for every number of tokens that a batch had, a thousand each: with
    batches of all sizes that is a gigabyte.
    """
    for name in ("ONEDNN_PRIMITIVE_CACHE_CAPACITY", "LRU_CACHE_CAPACITY"):
        os.environ.setdefault(name, KERNELS_KEPT)
    chosen = any(name.startswith("MALLOC_") for name in os.environ) or "malloc" in os.environ.get("GLIBC_TUNABLES", "")
    if platform.libc_ver()[0] == "glibc" and not chosen:
        libc = ctypes.CDLL(None)
        libc.mallopt(M_MMAP_THRESHOLD, GIVEN_BACK_BYTES)
        libc.mallopt(M_TRIM_THRESHOLD, GIVEN_BACK_BYTES)


def give_back() -> None:
    """Gives the system what is free."""
    gc.collect()
    if platform.libc_ver()[0] == "glibc":
        ctypes.CDLL(None).malloc_trim(0)


class Watchdog:
    """Looks every second.

    Args:
        most_bytes: of memory; with more, nothing is let in. None is as much as there is.
        on_stuck: is called once where a batch takes for ever: nothing in a process can end what computes it.
        resident: bytes that the process has.
    """

    def __init__(
        self,
        application: Application,
        most_bytes: int | None,
        on_stuck: Callable[[], None],
        resident: Callable[[], int] = resident_bytes,
    ) -> None:
        self._application = application
        self._most_bytes = most_bytes
        self._on_stuck = on_stuck
        self._resident = resident
        self._was_stuck = False

    async def watch(self) -> None:
        """For ever."""
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            self.look()

    def look(self) -> None:
        """Once."""
        if self._application.is_stuck and not self._was_stuck:
            self._was_stuck = True
            logger.error(json.dumps({"watchdog": "a batch takes for ever"}))
            self._on_stuck()
        if self._most_bytes is not None:
            self._look_at_memory(self._most_bytes)

    def _look_at_memory(self, most_bytes: int) -> None:
        is_full = self._application.is_full
        limit = most_bytes * (BELOW if is_full else 1)
        if self._resident() > limit:
            if self._application.service is not None:
                self._application.service.shared.cache.clear()
            give_back()
        self._application.is_full = self._resident() > limit
        if self._application.is_full != is_full:
            state = "at its ceiling" if not is_full else "below its ceiling"
            logger.warning(json.dumps({"memory": state, "bytes": self._resident()}))
