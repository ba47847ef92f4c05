"""`bertkit pretrain`: a run from its TOML file, or on from where it stopped. torchrun starts it on many processes."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bertkit.cli import options
from bertkit.cli.exits import TERMINATED
from bertkit.cli.running import say_stopped, sigterm_is_noted, sole_run, watched
from bertkit.terminal.messages import say

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

    from bertkit.model.device import choose_device
    from bertkit.pretraining.run import train
    from bertkit.sampling.corpus import Corpus
    from bertkit.training.ranks import joined

    with joined(choose_device(settings.train.device, learns=True)) as ranks, sole_run(settings.run.directory, ranks):
        corpus = Corpus.open(settings.data)
        hashes = [shards.manifest.sha256() for shards in corpus.shards]
        with (
            watched(settings, hashes, ranks, settings.train.steps, json=json) as run,
            sigterm_is_noted() as stopping,
        ):
            finished = train(
                settings,
                corpus,
                ranks,
                run.folder.path,
                run.observers,
                resumed=run.resumed,
                stopping=stopping,
                say=say,
            )
    if not finished and ranks.is_first:
        say_stopped(run.folder)
    if not finished:
        raise typer.Exit(TERMINATED)
    if ranks.is_first:
        say(f"the model is in {run.folder.model}")
