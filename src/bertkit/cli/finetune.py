"""`bertkit finetune`: a checkpoint and labelled examples in, a better model out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from bertkit.cli import column_options, options, task_options
from bertkit.cli.courses import Course, finetuning_course
from bertkit.cli.exits import TERMINATED
from bertkit.cli.running import say, say_stopped, sigterm_is_noted, sole_run, watched

if TYPE_CHECKING:
    from bertkit.config.finetuning import FinetuneConfig
    from bertkit.evaluation.intervals import Interval
    from bertkit.evaluation.task_scores import Scores
    from bertkit.training.finetuning import Finetuned
    from bertkit.training.lessons import Lessons
    from bertkit.training.ranks import Ranks
    from bertkit.training.run_folder import RunFolder

Task = Annotated[str, typer.Option(help="What to learn: text-classification, token-classification, …", metavar="TASK")]
Train = Annotated[str, typer.Option(help="Examples to learn from.", metavar="FILE")]
Eval = Annotated[
    str | None, typer.Option("--eval", help="Examples to measure on; a tenth of --train when left out.", metavar="FILE")
]
Directory = Annotated[str, typer.Option("--output", "-o", help="The run's folder; the model is in it.", metavar="DIR")]
Format = Annotated[
    Literal["lines", "jsonl", "csv", "tsv", "parquet", "conll", "squad"] | None,
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
    columns: Mapping[str, str] = column_options.NONE,
    bad_answers: task_options.BadAnswers = None,
    long: Long = None,
    device: options.Device = "auto",
    seeds: Seeds = None,
    search: Search = None,
    set: Set = None,
    json: options.Json = False,
) -> None:
    """Train a model for a task on labelled examples, measured on examples that it has not seen.

    Run again, it goes on from its newest checkpoint. The best checkpoint becomes DIR/model.
    """
    from bertkit.cli.many_runs import finetune_as_asked

    data: dict[str, object] = {"train": train, "eval": eval, "format": format, "columns": columns, "long": long}
    if bad_answers is not None:
        data["bad_answers"] = bad_answers
    values = {
        "task": {"name": task, "problem": problem},
        "model": {"start": model},
        "data": data,
        "train": {"device": device},
        "run": {"directory": output},
    }

    def run_once(config: FinetuneConfig, show: bool) -> Finetuned | None:
        return run_finetuning(config, json=json, show=show)

    end_well(finetune_as_asked(values, set or [], seeds, search, run_once, json=json))


def end_well(finished: bool) -> None:
    """Ends the command by the code of a run that was asked to stop, where it was."""
    if not finished:
        raise typer.Exit(TERMINATED)


def run_finetuning(
    config: FinetuneConfig,
    *,
    json: bool,
    course: Callable[[FinetuneConfig, Ranks], Course] = finetuning_course,
    show: bool = True,
) -> Finetuned | None:
    """A run, to its end; None where it was asked to stop before.

    Args:
        course: makes the parts of the run.
        show: print what it came to.
    """
    from bertkit.model.device import choose_device
    from bertkit.training.finetuning import finetune, loop_table
    from bertkit.training.lessons import data_sha256s
    from bertkit.training.ranks import joined

    intervals: dict[str, Interval] = {}

    def card(result: Finetuned) -> str:
        intervals.update(_intervals(held_out.scores, lessons))
        return _card(config, lessons, hashes, ranks, result, intervals)

    with joined(choose_device(config.train.device)) as ranks, sole_run(config.run.directory, ranks):
        parts = course(config, ranks)
        source, lessons, held_out = parts.source, parts.lessons, parts.held_out
        steps = loop_table(config, lessons.steps_per_epoch(config.train.batch_samples), source.config.width).steps
        hashes = data_sha256s(config.data)
        if ranks.is_first:
            for line in (*lessons.left_out, lessons.in_words()):
                say(line)
        with watched(config, [*hashes, *parts.sha256s], ranks, steps, json=json) as run, sigterm_is_noted() as stopping:
            if ranks.is_first:
                parts.keep()
            result = finetune(
                config,
                source,
                parts.tokenizer,
                lessons,
                held_out,
                ranks,
                run.folder.path,
                run.observers,
                resumed=run.resumed,
                stopping=stopping,
                say=say,
                card=card,
            )
            if result is None and ranks.is_first:
                say_stopped(run.folder)
    if result is not None and ranks.is_first and show:
        _show(run.folder, held_out.scores, result, intervals, json)
    return result


def _intervals(scores: Scores | None, lessons: Lessons) -> dict[str, Interval]:
    from bertkit.evaluation.intervals import intervals_of

    assert scores is not None
    return {} if scores.at is None else intervals_of(scores.at, len(lessons.held_out))


def _card(
    config: FinetuneConfig,
    lessons: Lessons,
    hashes: list[str],
    ranks: Ranks,
    result: Finetuned,
    intervals: Mapping[str, Interval],
) -> str:
    from bertkit.config.training_file import flat
    from bertkit.training.finetuned_card import FinetunedFacts, finetuned_card
    from bertkit.training.hardware import energy_in_words, hardware_in_words

    files = [Path(name).name for name in (config.data.train, config.data.eval) if name is not None]
    kept_out = ("task.name", "run.directory", "data.train", "data.eval", "model.start", "teacher.start")
    recipe = {name: value for name, value in flat(config).items() if value is not None and name not in kept_out}
    return finetuned_card(
        FinetunedFacts(
            name=Path(config.run.directory).resolve().name,
            task=config.task.name,
            labels=lessons.task.labels,
            start=_start(config),
            teacher=None if config.teacher is None else Path(config.teacher.start).name,
            data=dict(zip(files, hashes, strict=True)),
            examples=len(lessons.train),
            held_out=len(lessons.held_out),
            measures=result.measures,
            intervals={name: (one.low, one.high) for name, one in intervals.items()},
            recipe=recipe,
            step=result.step,
            steps=result.steps,
            seconds=result.seconds,
            machine=hardware_in_words(ranks),
            energy=energy_in_words(ranks, result.seconds),
            version=version("bertkit"),
        )
    )


def _start(config: FinetuneConfig) -> str:
    """What the model was before."""
    if config.model.start is not None:
        return Path(config.model.start).name
    return "the embedded model" if config.teacher is None else "some of its layers"


def _show(
    folder: RunFolder, scores: Scores | None, result: Finetuned, intervals: Mapping[str, Interval], json: bool
) -> None:
    from bertkit.cli.evaluate import shown
    from bertkit.cli.output import json_line

    assert scores is not None
    if json:
        typer.echo(json_line({"metrics": result.measures}, "finetune"))
        return
    typer.echo(shown(result.measures, scores.counts, intervals))
    say(f"the model is in {folder.model}, as it was after step {result.step:,} of {result.steps:,}")
