"""`bertkit distill`: a fine-tuned model and texts in, a smaller and faster model out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated

import typer

from bertkit.cli import column_options, options
from bertkit.cli.finetune import BatchSize, Directory, Epochs, Format, LearningRate, Long, Seed, Set, source_of
from bertkit.cli.training_commands import watched
from bertkit.terminal.messages import say

if TYPE_CHECKING:
    from bertkit.workflows.results import DistillResult

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


@column_options.column_options(column_options.LABELLED)
def distill(
    teacher: Teacher,
    train: Texts,
    output: Directory,
    eval: Eval = None,
    student: Student = None,
    layers: Layers = None,
    format: Format = None,
    delimiter: options.Delimiter = None,
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
    from bertkit.config.options import put_options
    from bertkit.config.strict import parse
    from bertkit.config.training_file import with_overrides
    from bertkit.finetuning.distillation import task_of_teacher
    from bertkit.formats.dialects import with_delimiter
    from bertkit.training.ranks import is_first_process
    from bertkit.workflows.distill import distill

    values = {
        "task": {"name": task_of_teacher(teacher)},
        "model": {"start": student},
        "teacher": {"start": teacher, "layers": layers},
        "data": {"train": train, "eval": eval},
        "run": {"directory": output},
    }
    given: dict[str, object] = {"format": with_delimiter(format, delimiter), "columns": columns, "long": long}
    given |= {"device": device, "seed": seed}
    given |= {"epochs": epochs, "batch_size": batch_size, "learning_rate": learning_rate}
    config = parse(FinetuneConfig, with_overrides(put_options(values, given), set or []), source_of(set))
    with watched(json=json) as observer:
        result = distill(config, observer)
    if is_first_process():
        _show(result, json)


def _show(result: DistillResult, json: bool) -> None:
    """Teacher and student on the same texts: the metrics, where there are labels, and the speed."""
    from bertkit.runs.metrics_file import record_line
    from bertkit.terminal.tables import table

    metrics, theirs, speeds = result.metrics, result.teacher, result.texts_a_second
    if json:
        typer.echo(record_line({"metrics": metrics, "teacher": theirs, "texts_a_second": speeds}))
        return
    teacher, student = speeds["teacher"], speeds["student"]
    rows = [(metric, f"{theirs[metric]:.4f}" if theirs else "", f"{value:.4f}") for metric, value in metrics.items()]
    typer.echo(table(("metric", "teacher", "student"), [*rows, ("texts a second", f"{teacher:.1f}", f"{student:.1f}")]))
    place = result.folder / "model"
    say(f"the student is in {place}: {student / teacher:.2f} times as fast as the teacher, the two taking turns")
