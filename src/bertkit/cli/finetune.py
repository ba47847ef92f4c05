"""`bertkit finetune`: a checkpoint and labelled examples in, a better model out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from bertkit.cli import column_options, options, task_options
from bertkit.cli.training_commands import watched
from bertkit.errors import UserError
from bertkit.terminal.messages import say

if TYPE_CHECKING:
    from bertkit.config.finetuning import FinetuneConfig
    from bertkit.workflows.results import FinetuneResult

Task = Annotated[str, typer.Option(help="What to learn: text-classification, token-classification, …", metavar="TASK")]
Train = Annotated[str, typer.Option(help="Examples to learn from.", metavar="FILE")]
Eval = Annotated[
    str | None, typer.Option("--eval", help="Examples to measure on; a tenth of --train when left out.", metavar="FILE")
]
Directory = Annotated[str, typer.Option("--output", "-o", help="The run's folder; the model is in it.", metavar="DIR")]
Format = Annotated[
    options.FormatName | None,
    typer.Option(help="Format of the examples; by the files' endings when left out."),
]
Long = Annotated[
    Literal["error", "truncate", "window"] | None,
    typer.Option(help="A text longer than the model reads; windows where the task has them when left out."),
]
Seeds = Annotated[
    int | None,
    typer.Option(
        min=2, metavar="N", help="Train N times with other seeds: mean, deviation, interval; the best is kept."
    ),
]
Search = Annotated[
    int | None,
    typer.Option(min=2, metavar="N", help="Try N settings of learning rate, epochs and batch; the best is kept."),
]
Epochs = Annotated[
    float | None, typer.Option(help="How often each example is read; by their number when left out.", metavar="N")
]
BatchSize = Annotated[
    int | None, typer.Option(min=1, help="Examples of one step, on all processes together; 32.", metavar="N")
]
LearningRate = Annotated[
    float | None, typer.Option(help="The highest of the encoder; by its width when left out.", metavar="RATE")
]
Seed = Annotated[int | None, typer.Option(min=0, help="Of all that is drawn at random; 0.", metavar="N")]
Quick = Annotated[
    bool,
    typer.Option(
        "--quick", help="In seconds: the encoder stays as it is, and the head is the best linear one (a probe)."
    ),
]
Set = Annotated[
    list[str] | None,
    typer.Option("--set", help="Another setting: train.epochs=5. May be given often.", metavar="KEY=VALUE"),
]


@column_options.column_options(column_options.LABELLED)
def finetune(
    task: Task,
    train: Train,
    output: Directory,
    eval: Eval = None,
    model: options.Model = None,
    problem: task_options.Problem = None,
    format: Format = None,
    delimiter: options.Delimiter = None,
    columns: Mapping[str, str] = column_options.NONE,
    bad_answers: task_options.BadAnswers = None,
    long: Long = None,
    device: options.Device = "auto",
    epochs: Epochs = None,
    batch_size: BatchSize = None,
    learning_rate: LearningRate = None,
    seed: Seed = None,
    quick: Quick = False,
    seeds: Seeds = None,
    search: Search = None,
    set: Set = None,
    json: options.Json = False,
) -> None:
    """Train a model for a task on labelled examples, measured on examples that it has not seen.

    Run again, it goes on from its newest checkpoint. The best checkpoint becomes DIR/model.
    """
    from bertkit.config.finetuning import FinetuneConfig
    from bertkit.config.options import put_options
    from bertkit.config.strict import parse
    from bertkit.config.training_file import with_overrides
    from bertkit.formats.dialects import with_delimiter

    values = {
        "task": {"name": task},
        "model": {"start": model},
        "data": {"train": train, "eval": eval},
        "run": {"directory": output},
    }
    given: dict[str, object] = {"problem": problem, "columns": columns, "long": long}
    given["format"] = with_delimiter(format, delimiter)
    given |= {
        "bad_answers": bad_answers,
        "device": device,
        "epochs": epochs,
        "batch_size": batch_size,
        "learning_rate": learning_rate,
    }
    values = with_overrides(put_options(values, {**given, "seed": seed, "quick": quick or None}), set or [])
    if seeds is not None and search is not None:
        raise UserError("--seeds and --search together", "Search first, then repeat what was found with --seeds.")
    space = values.pop("search", {}) if search is not None else {}
    config = parse(FinetuneConfig, values, source_of(set))
    if seeds is None and search is None:
        finetune_and_show(config, json=json)
        return

    from bertkit.cli.sweep import sweep_and_show

    sweep_and_show(config, seeds, search, space, json=json)


def source_of(set: list[str] | None) -> str:
    """Where a configuration comes from, as errors about it begin."""
    return f"the options{' with --set ' + ' '.join(set) if set else ''}"


def finetune_and_show(config: FinetuneConfig, *, json: bool) -> None:
    """Fine-tunes once, and prints what came of it."""
    from bertkit.training.ranks import is_first_process
    from bertkit.workflows.finetune import finetune

    with watched(json=json) as observer:
        result = finetune(config, observer)
    if is_first_process():
        _show(result, json)
        _say_how_it_went(result)


def _show(result: FinetuneResult, json: bool) -> None:
    from bertkit.cli.evaluate import shown
    from bertkit.cli.output import json_line

    if json:
        typer.echo(json_line({"metrics": result.metrics}, "finetune"))
        return
    typer.echo(shown(result.metrics, result.counts, result.intervals))
    done = result.finetuned
    say(f"the model is in {result.folder / 'model'}, as it was after step {done.step:,} of {done.steps:,}")


def _say_how_it_went(result: FinetuneResult) -> None:
    """What to compare the score with, and whether it was still rising."""
    beside, done = result.beside, result.finetuned
    if beside is not None:
        others = ", ".join(f"{name} {value:.4f}" for name, value in beside.others.items())
        say(f"{beside.metric} {beside.score:.4f}; on the same {beside.examples:,} examples: {others}")
    if 0 < done.steps < done.planned:
        steps = f"{done.steps:,} of {done.planned:,} steps"
        say(f"ended early, after {steps}: nothing got better any more (--epochs N does as many as it says)")
    if done.rising is not None:
        before, last = (f"{abs(score):.4f}" for score in done.rising)
        say(f"the score was still rising: {result.best_by} {before}, then {last}; more epochs may help (--epochs)")
