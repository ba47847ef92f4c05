"""The learning rate over a run, as a multiplier of the highest. Torch-free."""

from __future__ import annotations

import math

from bertkit.config.training import Schedule


def rate(schedule: Schedule, step: int, steps: int) -> float:
    """What the learning rate of one update is multiplied by, from 0 to 1.

    The warm-up rises by equal parts: its first update has the first part, not 0, and its last one all. What follows
    begins at 1 and would reach `schedule.floor` with the update after the last, so that no update is lost to a rate
    of 0.

    Args:
        step: number of the update, from 0.
        steps: updates of the whole run.
    """
    warm = round(schedule.warmup * steps)
    if step < warm:
        return (step + 1) / warm
    if schedule.shape == "constant":
        return 1.0
    begin = max(warm, steps - round(schedule.decay * steps)) if schedule.shape == "stable" else warm
    done = _share(step - begin, steps - begin)
    left = (1.0 + math.cos(math.pi * done)) / 2.0 if schedule.shape == "cosine" else 1.0 - done
    return schedule.floor + (1.0 - schedule.floor) * left


def _share(part: int, whole: int) -> float:
    """How much of a stretch lies behind; one of no steps is all behind once it is reached."""
    if part < 0:
        return 0.0
    return min(part / whole, 1.0) if whole > 0 else 1.0
