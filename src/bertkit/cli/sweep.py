"""`bertkit finetune --seeds` and `--search`: several runs in one folder, and a table of what they came to."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import typer

from bertkit.cli.training_commands import watched
from bertkit.errors import ConfigError
from bertkit.terminal.messages import say
from bertkit.terminal.tables import table

if TYPE_CHECKING:
    from bertkit.config.finetuning import FinetuneConfig
    from bertkit.workflows.results import SweepResult


def sweep_and_show(config: FinetuneConfig, seeds: int | None, search: int | None, space: object, *, json: bool) -> None:
    """Runs the sweep, and prints what came of it.

    Args:
        space: of the search, as a table of values.

    Raises:
        ConfigError: the space is none.
    """
    from bertkit.config.search import SearchTable, SweepConfig
    from bertkit.config.strict import parse
    from bertkit.workflows.sweep import sweep

    if not isinstance(space, dict):
        raise ConfigError(f"search is {space!r}, not a table", 'Write it as --set "search.epochs=[2, 3]".')
    found = SweepConfig(base=config, seeds=seeds, search=search, space=parse(SearchTable, space, "search"))
    with watched(json=json) as observer:
        result = sweep(found, observer)
    show(result, json=json)


def show(result: SweepResult, *, json: bool) -> None:
    """Prints what the runs came to: a row a metric for seeds, a row a trial for a search."""
    from bertkit.runs.metrics_file import record_line

    if json:
        typer.echo(record_line(result.record()))
        return
    typer.echo(_by_metric(result) if result.spread else _by_trial(result))
    say(f"the model in {result.folder / 'model'} is that of {result.best}")
    say(f"{result.caution}: measure it on examples that chose nothing")


def _by_metric(result: SweepResult) -> str:
    rows = [
        (
            name,
            *(f"{one.value:.4f}", f"{one.deviation:.4f}", f"{one.low:.4f} to {one.high:.4f}"),
            *(f"{run.metrics[name]:.4f}" for run in result.runs.values()),
        )
        for name, one in result.spread.items()
    ]
    return table(("metric", "mean", "deviation", "95 % interval", *result.runs), rows)


def _by_trial(result: SweepResult) -> str:
    names = list(result.metrics)
    rows = [
        (
            name,
            *("by the data" if value is None else f"{value:.3g}" for value in result.settings[name].values()),
            *(f"{result.runs[name].metrics.get(metric, math.nan):.4f}" for metric in names),
        )
        for name in sorted(result.runs, key=lambda name: result.runs[name].score)
    ]
    return table(("trial", "learning rate", "epochs", "batch", *names), rows)
