"""`bertkit distill`: a fine-tuned model and texts in, a smaller and faster model out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bertkit.cli import column_options, options
from bertkit.cli.courses import Course, distillation_course
from bertkit.cli.finetune import (
    BatchSize,
    Directory,
    Epochs,
    Format,
    LearningRate,
    Long,
    Seed,
    Set,
    end_well,
    run_finetuning,
    train_values,
)
from bertkit.terminal.messages import say

if TYPE_CHECKING:
    from bertkit.config.finetuning import FinetuneConfig
    from bertkit.finetuning.run import Finetuned
    from bertkit.labelled.examples import Example
    from bertkit.training.ranks import Ranks

Teacher = Annotated[str, typer.Option(help="The fine-tuned model: a folder or a hub name.", metavar="MODEL")]
Texts = Annotated[str, typer.Option("--train", help="Texts to learn from, with labels or without.", metavar="FILE")]
Eval = Annotated[
    str | None,
    typer.Option("--eval", help="Labelled examples to measure both on; without, a tenth of the texts.", metavar="FILE"),
]
Student = Annotated[
    str | None, typer.Option(help="What the student begins as; layers of the teacher when left out.", metavar="MODEL")
]
Layers = Annotated[
    int | None, typer.Option(min=1, help="Layers of the teacher to begin with; half of them.", metavar="N")
]
TIMED_TEXTS = 256


@column_options.column_options(column_options.LABELLED)
def distill(
    teacher: Teacher,
    train: Texts,
    output: Directory,
    eval: Eval = None,
    student: Student = None,
    layers: Layers = None,
    format: Format = None,
    columns: Mapping[str, str] = column_options.NONE,
    long: Long = None,
    device: options.Device = "auto",
    epochs: Epochs = None,
    batch_size: BatchSize = None,
    learning_rate: LearningRate = None,
    seed: Seed = None,
    set: Set = None,
    json: options.Json = False,
) -> None:
    """Train a small model to answer as a fine-tuned one does, on your own texts; labels count too where there are any.

    Run again, it goes on from its newest checkpoint. The best checkpoint becomes DIR/model.
    """
    from bertkit.config.finetuning import FinetuneConfig
    from bertkit.config.strict import parse
    from bertkit.config.training_file import with_overrides
    from bertkit.finetuning.distillation import check_teacher
    from bertkit.pretrained.loading import find_folder, open_pretrained

    values = {
        "task": {"name": check_teacher(open_pretrained(find_folder(teacher)))},
        "model": {"start": student},
        "teacher": {"start": teacher, "layers": layers},
        "data": {"train": train, "eval": eval, "format": format, "columns": columns, "long": long},
        "train": {"device": device} | train_values(epochs, batch_size, learning_rate, seed),
        "run": {"directory": output},
    }
    source = f"the options{' with --set ' + ' '.join(set) if set else ''}"
    config = parse(FinetuneConfig, with_overrides(values, set or []), source)
    held_out: list[Example] = []  # on the first rank, which tells what came of it

    def course(config: FinetuneConfig, ranks: Ranks) -> Course:
        parts = distillation_course(config, ranks)
        held_out.extend(parts.lessons.held_out if ranks.is_first else [])
        return parts

    result = run_finetuning(config, json=json, course=course, show=False)
    end_well(result is not None)
    if result is not None and held_out:
        _show(config, held_out, result, json)


def _show(config: FinetuneConfig, held_out: Sequence[Example], result: Finetuned, json: bool) -> None:
    """Teacher and student on the same texts: the metrics, where there are labels, and the speed."""
    from bertkit.evaluation.predicted_records import predicted_records
    from bertkit.evaluation.taught_text import texts_a_second
    from bertkit.inference.model import load
    from bertkit.metrics.task_scores import score_results
    from bertkit.metrics.word_tags import in_iob2
    from bertkit.runs.metrics_file import record_line
    from bertkit.terminal.tables import table

    assert config.teacher is not None
    place, name = Path(config.run.directory) / "model", config.task.name
    settings = {"task": name, "long": config.data.long or "window", "device": config.train.device}
    models = [load(folder, **settings) for folder in (config.teacher.start, place)]  # type: ignore[call-overload]
    teacher, student = texts_a_second(models, [example.row for example in held_out[:TIMED_TEXTS]])
    metrics, theirs = result.measures, {}
    if config.data.eval is not None:
        held_out = in_iob2(held_out, models[0].task.labels)
        theirs, metrics = (
            score_results(name, config.task.problem, predicted_records(model.answerer, held_out), held_out).metrics
            for model in models
        )
    if json:
        speeds = {"teacher": teacher, "student": student}
        typer.echo(record_line({"metrics": metrics, "teacher": theirs, "texts_a_second": speeds}))
        return
    rows = [(metric, f"{theirs[metric]:.4f}" if theirs else "", f"{value:.4f}") for metric, value in metrics.items()]
    typer.echo(table(("metric", "teacher", "student"), [*rows, ("texts a second", f"{teacher:.1f}", f"{student:.1f}")]))
    say(f"the student is in {place}: {student / teacher:.2f} times as fast as the teacher, the two taking turns")
