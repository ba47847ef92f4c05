"""`bertkit finetune`: a checkpoint and labelled examples in, a better model out."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from bertkit.cli import column_options, options, task_options
from bertkit.cli.courses import Course, finetuning_course
from bertkit.cli.exits import TERMINATED
from bertkit.cli.running import say_stopped, sigterm_is_noted, sole_run, watched
from bertkit.terminal.messages import say

if TYPE_CHECKING:
    from bertkit.config.finetuning import FinetuneConfig
    from bertkit.evaluation.baselines import Baseline
    from bertkit.finetuning.run import Finetuned
    from bertkit.finetuning.training_data import Lessons
    from bertkit.labelled.doubts import Doubts
    from bertkit.metrics.intervals import Interval
    from bertkit.metrics.task_scores import Scores
    from bertkit.reports.beside import Beside
    from bertkit.runs.run_folder import RunFolder
    from bertkit.training.ranks import Ranks

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
    from bertkit.cli.many_runs import finetune_as_asked

    data: dict[str, object] = {"train": train, "eval": eval, "format": format, "columns": columns, "long": long}
    if bad_answers is not None:
        data["bad_answers"] = bad_answers
    values = {
        "task": {"name": task, "problem": problem},
        "model": {"start": model},
        "data": data,
        "train": {"device": device} | train_values(epochs, batch_size, learning_rate, seed, quick),
        "run": {"directory": output},
    }

    def run_once(config: FinetuneConfig, show: bool) -> Finetuned | None:
        return run_finetuning(config, json=json, show=show)

    end_well(finetune_as_asked(values, set or [], seeds, search, run_once, json=json))


def train_values(
    epochs: float | None, batch_size: int | None, learning_rate: float | None, seed: int | None, quick: bool = False
) -> dict[str, object]:
    """The keys of the table `train` that have options of their own; those that were left out are not there."""
    given = {
        "epochs": epochs,
        "batch_samples": batch_size,
        "optimiser": None if learning_rate is None else {"learning_rate": learning_rate},
        "seed": seed,
        "quick": quick or None,
    }
    return {key: value for key, value in given.items() if value is not None}


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
    """A run, to its end; None where it was asked to stop before. `course` makes its parts; `show` prints the result."""
    from bertkit.finetuning.recipe import Recipe
    from bertkit.finetuning.run import finetune, loop_table
    from bertkit.finetuning.training_data import data_sha256s
    from bertkit.labelled.doubts import doubts
    from bertkit.model.device import choose_device
    from bertkit.training.ranks import joined

    intervals: dict[str, Interval] = {}
    simpler: list[Baseline] = []

    def texts(result: Finetuned) -> Mapping[str, str]:
        intervals.update(_intervals(held_out.scores, lessons))
        beside = _beside(held_out.best_by, lessons, result, simpler)
        return _files(beside, _card(config, lessons, doubted, hashes, ranks, result, intervals, beside))

    with joined(choose_device(config.train.device, learns=True)) as ranks, sole_run(config.run.directory, ranks):
        parts = course(config, ranks)
        source, lessons, held_out = parts.source, parts.lessons, parts.held_out
        recipe = Recipe.of(config, examples=len(lessons.train), width=source.config.width, fitted=False)
        steps = loop_table(config, recipe, lessons.steps_per_epoch(config.train.batch_samples)).steps
        hashes = data_sha256s(config.data)
        doubted = doubts(lessons.train, lessons.held_out)
        if ranks.is_first:
            _say_what_is_learnt(lessons, doubted, None if config.train.quick else recipe.why)
            simpler += _simpler_models(config, lessons, held_out.best_by)
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
                texts=texts,
            )
            if result is None and ranks.is_first:
                say_stopped(run.folder)
    if result is not None and ranks.is_first and show:
        _show(run.folder, held_out.scores, result, intervals, json)
        _say_how_it_went(held_out.best_by, lessons, result, simpler)
    return result


def _say_what_is_learnt(lessons: Lessons, doubted: Doubts, why: str | None) -> None:
    warnings = [f"warning: {line}" for line in doubted.lines]
    for line in (*lessons.notes, *warnings, lessons.in_words(), *([] if why is None else [why])):
        say(line)


def _simpler_models(config: FinetuneConfig, lessons: Lessons, metric: str) -> list[Baseline]:
    """What simpler models reach, told as soon as it is known; none where a teacher is learnt from."""
    from bertkit.evaluation.baselines import baselines_of

    if config.teacher is not None:
        return []
    found = baselines_of(lessons.task.name, lessons.problem, lessons.train, lessons.held_out)
    for one in found:
        if metric in one.measures:
            say(f"for comparison, {one.name}: {metric} {one.measures[metric]:.4f}")
    return found


def _beside(metric: str, lessons: Lessons, result: Finetuned, simpler: Sequence[Baseline]) -> Beside | None:
    """The score beside those of simpler models; None where there are none."""
    from bertkit.reports.beside import PROBE, Beside

    others = {one.name: one.measures[metric] for one in simpler if metric in one.measures}
    if result.start is not None:
        others[PROBE] = result.start[metric]
    return Beside(metric, len(lessons.held_out), result.measures[metric], others) if others else None


def _files(beside: Beside | None, card: str) -> dict[str, str]:
    """What is written beside the weights."""
    from bertkit.reports.beside import BESIDE

    return {"README.md": card} | ({} if beside is None else {BESIDE: beside.text()})


def _say_how_it_went(metric: str, lessons: Lessons, result: Finetuned, simpler: Sequence[Baseline]) -> None:
    """What to compare the score with, and whether it was still rising."""
    beside = _beside(metric, lessons, result, simpler)
    if beside is not None:
        others = ", ".join(f"{name} {value:.4f}" for name, value in beside.others.items())
        say(f"{metric} {beside.score:.4f}; on the same {beside.examples:,} examples: {others}")
    if 0 < result.steps < result.planned:
        steps = f"{result.steps:,} of {result.planned:,} steps"
        say(f"ended early, after {steps}: nothing got better any more (--epochs N does as many as it says)")
    if result.rising is not None:
        before, last = (abs(score) for score in result.rising)
        say(f"the score was still rising: {metric} {before:.4f}, then {last:.4f}; more epochs may help (--epochs)")


def _intervals(scores: Scores | None, lessons: Lessons) -> dict[str, Interval]:
    from bertkit.metrics.intervals import intervals_of

    assert scores is not None
    return {} if scores.at is None else intervals_of(scores.at, len(lessons.held_out))


def _card(
    config: FinetuneConfig,
    lessons: Lessons,
    doubted: Doubts,
    hashes: list[str],
    ranks: Ranks,
    result: Finetuned,
    intervals: Mapping[str, Interval],
    beside: Beside | None,
) -> str:
    from bertkit.config.training_file import flat
    from bertkit.finetuning.finetuned_card import FinetunedFacts, finetuned_card
    from bertkit.runs.hardware import energy_in_words, hardware_in_words

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
            shared=doubted.shared,
            notes=[_without_folders(line, config) for line in (*lessons.notes, *doubted.lines)],
            measures=result.measures,
            intervals={name: (one.low, one.high) for name, one in intervals.items()},
            recipe=recipe,
            metric="" if beside is None else beside.metric,
            beside={} if beside is None else beside.others,
            step=result.step,
            steps=result.steps,
            seconds=result.seconds,
            machine=hardware_in_words(ranks),
            energy=energy_in_words(ranks, result.seconds),
            version=version("bertkit"),
        )
    )


def _without_folders(line: str, config: FinetuneConfig) -> str:
    """A line for others to read, to whom a file's place on this machine says nothing."""
    for name in (config.data.train, config.data.eval):
        line = line if name is None else line.replace(name, Path(name).name)
    return line


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
