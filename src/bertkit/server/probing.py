"""What batches take on this machine, measured beside the first requests, and kept for the next start."""

from __future__ import annotations

import hashlib
import json
import logging
import os
from collections.abc import Callable
from concurrent.futures import CancelledError
from pathlib import Path

from bertkit.checkpoints.folders import atomic_file
from bertkit.errors import BertkitError
from bertkit.inference.scheduler import Demand
from bertkit.planner.this_machine import processor_name, usable_cores
from bertkit.server.worker import Lane, Worker
from bertkit.tokenization.windows import Window

logger = logging.getLogger("bertkit.server")
TOKENS = (16, 64, 256, 1_024)  # of the batches that are tried
ROUNDS = 3
LENGTH = 64  # of a text among them


def latency_folder() -> Path:
    """Where the times are kept: in the user's cache."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "bertkit" / "latency"


def probe(worker: Worker, lane: Lane, source: str, window: Callable[[int], Window]) -> None:
    """Has a lane know what its batches take: as it was kept, else by trying some, in turns with whoever asks.

    Args:
        source: of the model.
        window: any one of so many tokens, or as many as there can be.
    """
    target = lane.scheduler.target
    assert target is not None
    path = latency_folder() / f"{_fingerprint(lane, source)}.json"
    try:
        kept = json.loads(path.read_text())
        for tokens in TOKENS:
            target.times.add(tokens, kept["seconds_a_batch"] + tokens * kept["seconds_a_token"])
    except (OSError, ValueError, LookupError, TypeError):  # there is none, or it is of another kind
        if not _try(worker, lane, window):
            return
        _keep(path, {"seconds_a_batch": target.times.seconds_a_batch, "seconds_a_token": target.times.seconds_a_token})
    told = {
        "model": lane.name,
        "p95_milliseconds": 1e3 * target.target_seconds,
        "batch_tokens": lane.scheduler.batch_tokens,
        "text_milliseconds": round(1e3 * target.times.seconds(LENGTH), 2),
    }
    logger.info(json.dumps(told))
    if 2 * target.times.seconds(LENGTH) > target.target_seconds:  # its own, and the one that is computed
        logger.warning(json.dumps(told | {"warning": "the machine is too slow for this target"}))


def _try(worker: Worker, lane: Lane, window: Callable[[int], Window]) -> bool:
    """Computes batches of several sizes; whether all could be."""
    most = lane.scheduler.most_batch_tokens
    for tokens in ROUNDS * [tokens for tokens in TOKENS if tokens <= most]:
        one = window(min(tokens, LENGTH))
        try:
            # Announced as what does not fit into a batch, so that it has no part in what is expected to be in time.
            ticket = worker.submit(lane, Demand(most + 1, priority="low"))
            worker.provide(lane, ticket, [one] * (tokens // len(one.ids))).future.result()
        except (BertkitError, CancelledError):  # too busy, or about to end: what is asked for tells the times as well
            return False
    return True


def _fingerprint(lane: Lane, source: str) -> str:
    backend = lane.engine.backend
    facts = (source, lane.name, type(backend).__name__, backend.dtype, backend.device, processor_name())
    return hashlib.sha256(repr((*facts, usable_cores(), os.environ.get("OMP_NUM_THREADS"))).encode()).hexdigest()[:24]


def _keep(path: Path, times: dict[str, float]) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with atomic_file(path) as file:
            file.write(json.dumps(times))
    except (OSError, BertkitError):  # a full disk: they are measured again next time
        return
