"""`bertkit finetune`: a checkpoint and labelled examples in, a better model out."""

from __future__ import annotations

import os
import platform
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from bertkit.cli import column_options, options, task_options
from bertkit.cli.exits import TERMINATED
from bertkit.cli.running import say, sigterm_is_noted, watched

if TYPE_CHECKING:
    from bertkit.config.finetuning import FinetuneConfig
    from bertkit.evaluation.held_out import HeldOut
    from bertkit.evaluation.held_out_pairs import HeldOutPairs
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
    Literal["jsonl", "csv", "tsv", "parquet", "conll", "squad"] | None,
    typer.Option(help="Format of the examples; by the files' endings when left out."),
]
Long = Annotated[
    Literal["error", "truncate", "window"] | None,
    typer.Option(help="A text longer than the model reads; windows where the task has them when left out."),
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
    set: Set = None,
    json: options.Json = False,
) -> None:
    """Train a model for a task on labelled examples, measured on examples that it has not seen.

    Run again, it goes on from its newest checkpoint. The best checkpoint becomes DIR/model.
    """
    from bertkit.config.finetuning import FinetuneConfig
    from bertkit.config.strict import parse
    from bertkit.config.training_file import with_overrides

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
    source = f"the options{' with --set ' + ' '.join(set) if set else ''}"
    finished = run_finetuning(parse(FinetuneConfig, with_overrides(values, set or []), source), json=json)
    if not finished:
        say("stopped by SIGTERM, after writing a checkpoint; the same command goes on")
        raise typer.Exit(TERMINATED)


def run_finetuning(config: FinetuneConfig, *, json: bool) -> bool:
    """A run, to its end; false where it was asked to stop before."""
    from bertkit.evaluation.mining import Mining
    from bertkit.model.device import choose_device
    from bertkit.pretrained.loading import find_folder, open_pretrained
    from bertkit.training.finetuning import finetune, loop_table
    from bertkit.training.lessons import Lessons, data_sha256s
    from bertkit.training.ranks import joined
    from bertkit.training.run_folder import RunFolder

    with joined(choose_device(config.train.device)) as ranks:
        source = open_pretrained(find_folder(config.model.start))
        tokenizer = source.load_tokenizer()
        mining = Mining(source, config.task, RunFolder(Path(config.run.directory)), ranks, say)
        lessons = Lessons.open(config, source, tokenizer, mining.negatives)
        held_out = _held_out(config, lessons)
        steps = loop_table(config, lessons.steps_per_epoch(config.train.batch_samples), source.config.width).steps
        hashes = data_sha256s(config.data)
        if ranks.is_first:
            for line in (*lessons.left_out, lessons.in_words()):
                say(line)
        with watched(config, hashes, ranks, steps, json=json) as run, sigterm_is_noted() as stopping:
            if ranks.is_first:
                mining.keep()
            result = finetune(
                config,
                source,
                tokenizer,
                lessons,
                held_out,
                ranks,
                run.folder.path,
                run.observers,
                resumed=run.resumed,
                stopping=stopping,
                say=say,
                card=lambda result: _card(config, lessons, hashes, ranks, result),
            )
    if result is not None and ranks.is_first:
        _show(run.folder, held_out, result, json)
    return result is not None


def _held_out(config: FinetuneConfig, lessons: Lessons) -> HeldOut | HeldOutPairs:
    from bertkit.evaluation.held_out import HeldOut
    from bertkit.evaluation.held_out_pairs import HeldOutPairs

    if lessons.task.name == "sentence-embedding":
        return HeldOutPairs(lessons.reader, lessons.held_out, config.train.best_by)
    return HeldOut(lessons.reader, lessons.held_out, lessons.problem, config.train.best_by)


def _card(config: FinetuneConfig, lessons: Lessons, hashes: list[str], ranks: Ranks, result: Finetuned) -> str:
    from bertkit.config.training_file import flat
    from bertkit.training.finetuned_card import FinetunedFacts, finetuned_card

    files = [Path(name).name for name in (config.data.train, config.data.eval) if name is not None]
    kept_out = ("task.name", "run.directory", "data.train", "data.eval", "model.start")
    recipe = {name: value for name, value in flat(config).items() if value is not None and name not in kept_out}
    return finetuned_card(
        FinetunedFacts(
            name=Path(config.run.directory).resolve().name,
            task=config.task.name,
            labels=lessons.task.labels,
            start=Path(config.model.start).name if config.model.start else "the embedded model",
            data=dict(zip(files, hashes, strict=True)),
            examples=len(lessons.train),
            held_out=len(lessons.held_out),
            measures=result.measures,
            recipe=recipe,
            step=result.step,
            steps=result.steps,
            seconds=result.seconds,
            machine=f"{ranks.count} of {ranks.device}, {os.cpu_count()} cores, {platform.machine()}",
            version=version("bertkit"),
        )
    )


def _show(folder: RunFolder, held_out: HeldOut | HeldOutPairs, result: Finetuned, json: bool) -> None:
    from bertkit.cli.evaluate import shown
    from bertkit.cli.output import json_line

    assert held_out.scores is not None
    if json:
        typer.echo(json_line({"metrics": result.measures}, "finetune"))
        return
    typer.echo(shown(result.measures, held_out.scores.counts))
    say(f"the model is in {folder.model}, as it was after step {result.step:,} of {result.steps:,}")
