"""`bertkit compress`: a model and labelled examples in, a smaller and faster one out, within a bound on its loss."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from bertkit.cli import column_options, options, task_options
from bertkit.cli.evaluate import DataFormat

if TYPE_CHECKING:
    from bertkit.workflows.compression import Compression

Model = Annotated[str, typer.Option("--model", "-m", help="The model: a folder or a hub name.", metavar="MODEL")]
Output = Annotated[
    Path,
    typer.Option(
        "--output", "-o", help="The folder to write; it must be new or empty, and appears whole.", metavar="OUT"
    ),
]
To = Annotated[
    Literal["int8", "fp16", "bf16"] | None,
    typer.Option(
        help="int8 is for CPUs, a quarter of the size and faster; the others are half of the size. int8 where nothing "
        "else is asked for."
    ),
]
Cascade = Annotated[
    str | None,
    typer.Option(
        help="A small model with the same labels: it answers where it is sure, MODEL the rest, in one folder.",
        metavar="STUDENT",
    ),
]
Data = Annotated[
    str | None,
    typer.Option(
        help="Labelled examples: their texts calibrate int8, and what it costs is measured on them. Not those that you "
        "report results of.",
        metavar="FILE",
    ),
]
MaxLoss = Annotated[
    float,
    typer.Option(
        metavar="POINTS",
        help="Points that the task's metric may fall by, of 100; products to blame for more stay in floating point.",
    ),
]
Calibration = Annotated[
    int, typer.Option(min=1, metavar="N", help="Examples whose texts say how large activations are.")
]
Task = Annotated[str | None, typer.Option(help="What is measured; what the model does when left out.", metavar="TASK")]


TrimVocab = Annotated[
    str | None,
    typer.Option(
        help="Text, as of `train-tokenizer`: rows of the token table that none of it needs go. For its texts the model "
        "computes the same.",
        metavar="CORPUS",
    ),
]

DropLayers = Annotated[
    int | None,
    typer.Option(
        min=1, help="Layers to drop, those that are missed least; train the folder on afterwards.", metavar="N"
    ),
]

PruneFfn = Annotated[
    int | None,
    typer.Option(
        min=1,
        help="Numbers to leave between the layers of each MLP, those that add most; train the folder on afterwards.",
        metavar="WIDTH",
    ),
]


@column_options.column_options(column_options.LABELLED)
def compress(
    model: Model,
    output: Output,
    to: To = None,
    cascade: Cascade = None,
    trim_vocab: TrimVocab = None,
    drop_layers: DropLayers = None,
    prune_ffn: PruneFfn = None,
    data: Data = None,
    max_loss: MaxLoss = 0.5,
    calibration_examples: Calibration = 300,
    task: Task = None,
    problem: task_options.Problem = None,
    format: DataFormat = None,
    delimiter: options.Delimiter = None,
    columns: Mapping[str, str] = column_options.NONE,
    bad_answers: task_options.BadAnswers = None,
    long: options.Long = "window",
    json: options.Json = False,
) -> None:
    """Write a smaller and faster model that answers nearly as well; one that loses more than it may is not written."""
    from bertkit.config.compressing import CompressConfig
    from bertkit.config.strict import parse
    from bertkit.formats.dialects import with_delimiter
    from bertkit.terminal.observer import TerminalObserver
    from bertkit.workflows.compress import compress as compressed

    given = {
        "model": model,
        "output": str(output),
        "to": to,
        "cascade": cascade,
        "trim_vocab": trim_vocab,
        "drop_layers": drop_layers,
        "prune_ffn": prune_ffn,
        "data": data,
        "max_loss": max_loss,
        "calibration_examples": calibration_examples,
        "task": task,
        "problem": problem,
        "format": with_delimiter(format, delimiter),
        "columns": dict(columns),
        "bad_answers": bad_answers,
        "long": long,
    }
    _print(compressed(parse(CompressConfig, given, "compress"), TerminalObserver()), json)


def _print(found: Compression, json: bool) -> None:
    import json as json_form

    from bertkit.terminal.tables import table

    if json:
        typer.echo(json_form.dumps(found.record(), allow_nan=False))
        return
    typer.echo(table(("", "before", "after"), found.rows()))
    for line in found.facts():
        typer.echo(line)
    typer.echo(f"written: {found.folder}")
