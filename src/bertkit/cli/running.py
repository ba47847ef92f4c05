"""What the commands that train share: the run's folder, what watches the run, and SIGTERM."""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING

from bertkit.terminal.messages import say

if TYPE_CHECKING:
    from bertkit.config.finetuning import FinetuneConfig
    from bertkit.config.training import TrainingConfig
    from bertkit.runs.run_folder import RunFolder
    from bertkit.training.observer import Observer
    from bertkit.training.ranks import Ranks


class Watched:
    """A run's folder, open, and those who are told what happens in it; on the first rank only.

    Args:
        steps: of the whole run.
        json: show records as JSON lines.
        stack: closes what is opened here.
    """

    def __init__(
        self, folder: RunFolder, ranks: Ranks, steps: int, stack: ExitStack, *, json: bool, tensorboard: bool
    ) -> None:
        self.folder = folder
        self.observers: list[Observer] = []
        self._ranks = ranks
        self._steps = steps
        self._stack = stack
        self._json = json
        self._tensorboard = tensorboard

    def resumed(self, step: int) -> None:
        """The run goes on after a step, or begins with 0: the records after it will be made again."""
        from bertkit.runs.metrics_file import MetricsFile
        from bertkit.runs.tensorboard import TensorBoard
        from bertkit.terminal.training_display import training_display

        if not self._ranks.is_first:
            return
        metrics = MetricsFile(self.folder.metrics)
        metrics.rewind(step)
        self.observers.append(metrics)
        if self._tensorboard:
            place = self.folder.path / "tensorboard"
            self.observers.append(self._stack.enter_context(TensorBoard(place, purge_after=step)))
        if step:
            say(f"going on after step {step:,}")
        self.observers.append(self._stack.enter_context(training_display(self._steps, json=self._json)))


@contextmanager
def sole_run(directory: str, ranks: Ranks) -> Iterator[None]:
    """The run's folder, kept from other runs: the first rank holds it, and tells all where it cannot.

    Raises:
        FolderInUse, OutputError: as `owned`.
    """
    from bertkit.checkpoints.locks import owned

    with ExitStack() as held:
        ranks.by_first(lambda: held.enter_context(owned(Path(directory))))
        yield


@contextmanager
def watched(
    config: TrainingConfig | FinetuneConfig, sha256s: Sequence[str], ranks: Ranks, steps: int, *, json: bool
) -> Iterator[Watched]:
    """The folder of a run, made or found by the first rank, while the run lasts.

    Args:
        sha256s: the fingerprints of the data.

    Raises:
        ConfigError, OutputError: as `open_run`.
    """
    from bertkit.runs.run_folder import Start, open_run

    start = Start.now(command=sys.argv, manifest_sha256s=sha256s, ranks=ranks.count, device=str(ranks.device))
    folder = ranks.by_first(lambda: open_run(config, start))
    with ExitStack() as stack:
        yield Watched(folder, ranks, steps, stack, json=json, tensorboard=config.run.tensorboard)


def say_stopped(folder: RunFolder) -> None:
    """What a run that was asked to stop has left, for the user."""
    steps = folder.checkpoint_steps()
    if steps:
        say(f"stopped by SIGTERM; the same command goes on after step {steps[-1]:,}, from its checkpoint")
    else:
        say("stopped by SIGTERM; there is no checkpoint, so that the same command begins again")


@contextmanager
def sigterm_is_noted() -> Iterator[Callable[[], bool]]:
    """SIGTERM does not end the program at once; it raises a flag, which this gives."""
    noted: list[int] = []

    def note(number: int, frame: FrameType | None) -> None:
        noted.append(number)

    before = signal.signal(signal.SIGTERM, note)
    try:
        yield lambda: bool(noted)
    finally:
        signal.signal(signal.SIGTERM, before)
