"""How many devices it takes where one is not enough, and what they divide.

With one copy of the model on each device only the batch is divided. With weights, gradients and the optimiser's state
divided among them (FSDP2, `train.parallel = "fsdp"`), a model fits whose state alone is too large for one.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from bertkit.planner.memory import MemorySharing, needed, room
from bertkit.planner.plan import Plan, spread

MOST_DEVICES = 64


@dataclass(frozen=True, slots=True)
class Division:
    """Devices that suffice.

    Attributes:
        parallel: `ddp` or `fsdp`, as a run's file has it.
        batch: sequences at once on each.
        bytes: on each.
    """

    count: int
    parallel: str
    batch: int
    bytes: int


def division(plan: Plan) -> Division | None:
    """The fewest devices on which the plan's batch, divided among them, fits; None where it fits on one, or on none."""
    free = room(plan.question.device)
    if free is None or plan.verdict != "does not" or not plan.work.trains:
        return None
    count = 2
    while count <= MOST_DEVICES:
        each = max(1, -(-plan.batch // count))
        work = replace(plan.work, lengths=spread(plan.question.lengths, each))
        for parallel, ranks in (("ddp", 1), ("fsdp", count)):
            total = needed(work, plan.question.device, MemorySharing(ranks, plan.sharing.recompute)).total
            if total <= free[0]:
                return Division(count, parallel, each, total)
        count *= 2
    return None
