"""What a loss is multiplied by where gradients are computed in float16 (Micikevicius et al. 2017, arXiv 1710.03740).

Many gradients are smaller than the least float16, so that they are computed of a multiple of the loss and divided
again in float32. A multiple that is too large makes some of them infinite: then the step is left out, and the next one
has a smaller multiple. After many steps without that, a larger one is tried (as torch's `GradScaler`).
"""

from __future__ import annotations

from dataclasses import dataclass

FIRST, LEAST, MOST = 2.0**16, 1.0, 2.0**24
DOWN, UP = 0.5, 2.0  # powers of two round nothing
STEPS_TO_GROW = 2_000


@dataclass
class LossScale:
    """The multiple, kept in a run's checkpoints.

    Attributes:
        good_steps: without an infinite gradient since it was changed.
    """

    value: float = FIRST
    good_steps: int = 0

    def after(self, finite: bool) -> bool:
        """Takes note of a step's gradient; whether one that is not finite may be the multiple's fault."""
        if finite:
            self.good_steps += 1
            if self.good_steps == STEPS_TO_GROW:
                self.value, self.good_steps = min(MOST, self.value * UP), 0
            return False
        at_fault = self.value > LEAST
        self.value, self.good_steps = max(LEAST, self.value * DOWN), 0
        return at_fault
