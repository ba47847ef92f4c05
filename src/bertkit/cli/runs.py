"""`bertkit runs`: training runs side by side, from their folders. Without torch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bertkit.cli import options

if TYPE_CHECKING:
    from bertkit.reports.run_summary import RunSummary
    from bertkit.reports.runs_page import Table

Folders = Annotated[list[str], typer.Argument(help="Folders of runs, finished or not.", metavar="RUN")]
Html = Annotated[
    str | None, typer.Option("--html", help="Write a page with curves, which needs nothing else.", metavar="FILE")
]
PRETRAINED = (
    *("run", "state", "model", "parameters", "step", "tokens", "best loss", "last loss"),
    *("masked tokens", "sentence pairs", "tokens/s", "time", "checkpoint"),
)
FINETUNED = (
    *("run", "state", "task", "model", "parameters", "step", "samples"),
    *("chosen by", "best", "at step", "last", "time", "checkpoint"),
)
MASKED = ("fill-mask/accuracy", "generator-fill-mask/accuracy")
PAIRS = ("next-sentence-prediction/accuracy", "sentence-order-prediction/accuracy")
NOTHING = "-"


def runs(folders: Folders, html: Html = None, json: options.Json = False) -> None:
    """Compare training runs: how far they are, what they came to, how fast they go.

    Losses, accuracies and other metrics are those of the held-out data. Runs of pre-training and of fine-tuning have a
    table each.
    """
    from bertkit.reports.run_summary import summarise
    from bertkit.runs.metrics_file import record_line
    from bertkit.terminal.tables import columns, fitting

    found = [summarise(Path(folder)) for folder in folders]
    tables = [
        (header, [cells(run) for run in found if (run.task is None) == (header is PRETRAINED)])
        for header, cells in ((PRETRAINED, row), (FINETUNED, finetuned_row))
    ]
    tables = [(header, rows) for header, rows in tables if rows]
    if html is not None:
        _write_page(Path(html), found, tables)
    if json:
        for run in found:
            typer.echo(record_line(run.record()))
    else:
        typer.echo("\n\n".join(fitting(header, rows, columns()) for header, rows in tables))
        if html is not None:
            typer.echo(f"curves: {html}")


def row(run: RunSummary) -> list[str]:
    """The run as cells of the table of pre-training."""
    from bertkit.reports.charts import short_number
    from bertkit.terminal.training_display import duration

    return [
        *_name_and_state(run),
        *_size_and_step(run),
        short_number(run.tokens),
        _measure(run.best, ("loss",), ".4f"),
        _measure(run.last, ("loss",), ".4f"),
        _measure(run.last, MASKED, ".1%"),
        _measure(run.last, PAIRS, ".1%"),
        NOTHING if run.tokens_per_second is None else f"{run.tokens_per_second:,.0f}",
        duration(run.seconds),
        NOTHING if run.checkpoint is None else f"{run.checkpoint:,}",
    ]


def finetuned_row(run: RunSummary) -> list[str]:
    """The run as cells of the table of fine-tuning."""
    from bertkit.runs.metrics_file import step_of
    from bertkit.terminal.training_display import duration

    names = () if run.best_by is None else (run.best_by,)
    return [
        *_name_and_state(run),
        run.task or NOTHING,
        *_size_and_step(run),
        f"{run.samples:,}",
        run.best_by or NOTHING,
        _measure(run.best, names, ".4f"),
        f"{step_of(run.best):,}" if run.best else NOTHING,
        _measure(run.last, names, ".4f"),
        duration(run.seconds),
        NOTHING if run.checkpoint is None else f"{run.checkpoint:,}",
    ]


def _name_and_state(run: RunSummary) -> tuple[str, str]:
    return run.name, run.state + (f", {run.skipped} skipped" if run.skipped else "")


def _size_and_step(run: RunSummary) -> tuple[str, str, str]:
    """What is trained, how large it is, and how far."""
    from bertkit.reports.charts import short_number

    return (
        run.model,
        NOTHING if run.parameters is None else short_number(run.parameters),
        f"{run.step:,}/{'?' if run.steps is None else format(run.steps, ',')}",
    )


def _measure(record: Mapping[str, object], names: Sequence[str], form: str) -> str:
    from bertkit.runs.metrics_file import number_of

    values = [value for name in names if (value := number_of(record, name)) is not None]
    return format(values[0], form) if values else NOTHING


def _write_page(path: Path, found: Sequence[RunSummary], tables: Sequence[Table]) -> None:
    from bertkit.checkpoints.folders import atomic_file
    from bertkit.reports.runs_page import runs_page

    with atomic_file(path) as file:
        file.write(runs_page(found, tables))
