"""`bertkit pretrain`: a run from its TOML file, or on from where it stopped. torchrun starts it on many processes."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bertkit.cli import options
from bertkit.cli.training_commands import watched
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

    from bertkit.training.ranks import is_first_process
    from bertkit.workflows.pretrain import pretrain

    with watched(json=json) as observer:
        result = pretrain(settings, observer)
    if is_first_process():
        say(f"the model is in {result.folder / 'model'}")
