"""`bertkit pretrain`: a run from its TOML file, or on from where it was killed. torchrun starts several processes."""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import FrameType
from typing import Annotated

import typer

from bertkit.cli import options
from bertkit.cli.exits import TERMINATED, one_line

File = Annotated[str, typer.Argument(help="The run's TOML file; examples/recipes has some.", metavar="CONFIG")]
Set = Annotated[
    list[str] | None,
    typer.Option(
        "--set", help="Replace a value of the file: train.steps=100. May be given often.", metavar="KEY=VALUE"
    ),
]


def pretrain(config: File, set: Set = None, json: options.Json = False) -> None:
    """Train an encoder on shards. Run again, it goes on from its newest checkpoint.

    SIGTERM writes a checkpoint and ends with code 143. On many processes: torchrun … -m bertkit pretrain CONFIG.
    """
    from bertkit.config.training_file import load_config

    settings = load_config(Path(config), set or ())

    from bertkit.cli.training_display import training_display
    from bertkit.model.device import choose_device
    from bertkit.training.metrics_file import MetricsFile
    from bertkit.training.observer import Observer
    from bertkit.training.ranks import joined
    from bertkit.training.run import Corpus, train
    from bertkit.training.run_folder import RunFolder, Start, open_run
    from bertkit.training.tensorboard import TensorBoard

    with joined(choose_device(settings.train.device)) as ranks, ExitStack() as stack:
        corpus = Corpus.open(settings.data)
        folder = RunFolder(Path(settings.run.directory))
        if ranks.is_first:
            hashes = [shards.manifest.sha256() for shards in corpus.shards]
            start = Start.now(command=sys.argv, manifest_sha256s=hashes, ranks=ranks.count, device=str(ranks.device))
            folder = open_run(settings, start)
        ranks.wait()
        observers: list[Observer] = []

        def resumed(step: int) -> None:
            """The records after the checkpoint will be made again."""
            if not ranks.is_first:
                return
            metrics = MetricsFile(folder.metrics)
            metrics.rewind(step)
            observers.append(metrics)
            if settings.run.tensorboard:
                observers.append(stack.enter_context(TensorBoard(folder.path / "tensorboard", purge_after=step)))
            if step:
                say(f"going on after step {step:,}")
            observers.append(stack.enter_context(training_display(settings.train.steps, json=json)))

        with sigterm_is_noted() as stopping:
            finished = train(
                settings, corpus, ranks, folder.path, observers, resumed=resumed, stopping=stopping, say=say
            )
    if not finished:
        say("stopped by SIGTERM, after writing a checkpoint; the same command goes on")
        raise typer.Exit(TERMINATED)
    if ranks.is_first:
        say(f"the model is in {folder.model}")


def say(line: str) -> None:
    """A line for the user, beside the records."""
    print(one_line(line), file=sys.stderr)


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
