"""One start of a run, as its loop sees it: the processes, the folder, and who is told what happens."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from bertkit.training.observer import StepObserver
from bertkit.training.ranks import Ranks


@dataclass(frozen=True)
class Session:
    """Where a run computes and writes, from one start to its end or to its being stopped.

    Attributes:
        folder: the run's, made by whoever starts it.
        observers: who takes the records; of the first rank only.
        resumed: told the step that the run goes on from, 0 for a new one, before all else; it may add observers.
        stopping: asked before every step, on every rank.
        say: takes a line for the user.
    """

    ranks: Ranks
    folder: Path
    observers: Sequence[StepObserver]
    resumed: Callable[[int], None]
    stopping: Callable[[], bool]
    say: Callable[[str], None]

    @property
    def checkpoints(self) -> Path:
        """The folder of checkpoints."""
        return self.folder / "checkpoints"

    def begins(self) -> bool:
        """Whether there is no checkpoint to go on from. All ranks call this, and believe the first."""
        return not self.ranks.any(self.ranks.is_first and any(self.checkpoints.glob("step-*")))
