"""One start of a training run in its folder: locks the folder, opens the metrics file, and connects the observers."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from bertkit.checkpoints.locks import owned
from bertkit.config.finetuning import FinetuneConfig
from bertkit.config.training import TrainingConfig
from bertkit.errors import Stopped
from bertkit.runs.metrics_file import MetricsFile
from bertkit.runs.run_folder import RunFolder, Start, open_run
from bertkit.runs.tensorboard import TensorBoard
from bertkit.training.observer import StepObserver as RecordObserver
from bertkit.training.ranks import Ranks
from bertkit.training.session import Session
from bertkit.workflows.observer import Observer


@contextmanager
def sole_run(directory: str, ranks: Ranks) -> Iterator[None]:
    """The run's folder, kept from other runs: the first rank holds it, and tells all where it cannot.

    Raises:
        FolderInUse, OutputError: as `owned`.
    """
    with ExitStack() as held:
        ranks.by_first(lambda: held.enter_context(owned(Path(directory))))
        yield


@contextmanager
def started(
    config: TrainingConfig | FinetuneConfig, sha256s: Sequence[str], ranks: Ranks, steps: int, observer: Observer
) -> Iterator[Session]:
    """A run's folder, made or found by the first rank, and those who follow the run, while it lasts.

    Args:
        sha256s: the fingerprints of the data.
        steps: of the whole run.

    Raises:
        ConfigError, OutputError: as `open_run`.
    """
    start = Start.now(command=sys.argv, manifest_sha256s=sha256s, ranks=ranks.count, device=str(ranks.device))
    folder = ranks.by_first(lambda: open_run(config, start))
    observers: list[RecordObserver] = []
    with ExitStack() as stack:

        def resumed(step: int) -> None:
            """The records after the step will be made again."""
            if not ranks.is_first:
                return
            metrics = MetricsFile(folder.metrics)
            metrics.rewind(step)
            observers.append(metrics)
            if config.run.tensorboard:
                observers.append(stack.enter_context(TensorBoard(folder.path / "tensorboard", purge_after=step)))
            if step:
                observer.say(f"going on after step {step:,}")
            observers.append(stack.enter_context(observer.training(steps)))

        stopping = stack.enter_context(observer.stopping())
        yield Session(ranks, folder.path, observers, resumed, stopping, observer.say)


def stopped(session: Session) -> Stopped:
    """What a run that was asked to stop has left, as the error that ends its job."""
    steps = RunFolder(session.folder).checkpoint_steps()
    return Stopped(f"{session.folder}: the run was asked to stop", step=steps[-1] if steps else None)
