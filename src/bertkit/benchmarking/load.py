"""Whether other programs keep the machine busy, so that what is measured says more of them than of it."""

from __future__ import annotations

import os

from bertkit.planner.calibration import BUSY_SHARE


def busy_words(load: float | None, cores: int) -> str | None:
    """What to say about it; None where there is nothing to say.

    Args:
        load: processes that want to run, on average of the last minute.
    """
    if load is None or load <= BUSY_SHARE * cores:
        return None
    core = "core" if cores == 1 else "cores"
    return f"other programs are busy here (load {load:.1f} on {cores} {core}): what is measured now is too slow"


def load_now() -> float | None:
    """The load of the last minute; None where the system does not say."""
    try:
        return os.getloadavg()[0]
    except (OSError, AttributeError):
        return None
