"""`bertkit export`: a model's network as a graph that other programs compute."""

from __future__ import annotations

from typing import Annotated, Any, cast

import typer

from bertkit.cli import options
from bertkit.errors import UserError, near_match

# As `config/exporting.py` has them.
FORMATS = ("onnx", "onnx-int8", "openvino", "openvino-int8", "torch", "gguf", "gguf-int8")
Source = Annotated[
    str | None, typer.Argument(help="A folder or a hub name; the built-in model when left out.", metavar="MODEL")
]
To = Annotated[
    list[str],
    typer.Option(
        help="The format; given twice, one folder holds both. Each is tried beside the model first.",
        metavar="|".join(FORMATS),
    ),
]
Output = Annotated[
    str,
    typer.Option("--output", "-o", help="The folder to write; new or empty, it appears whole.", metavar="DIR"),
]
Task = Annotated[
    str | None,
    typer.Option(help="What the graph does; what the checkpoint's head does when left out.", metavar="TASK"),
]


def export(
    to: To,
    output: Output,
    model: Source = None,
    task: Task = None,
    revision: options.Revision = None,
    json: options.Json = False,
) -> None:
    """Write a model's network as a graph that other programs compute: ONNX, OpenVINO, torch.export, GGUF.

    Head, pooling and the final scores are in the graph. The folder has all else that the model needs; bertkit, and the
    programs that the format is of, open it.
    """
    from bertkit.cli.info import described
    from bertkit.cli.output import json_line
    from bertkit.config.exporting import ExportConfig
    from bertkit.terminal.observer import TerminalObserver
    from bertkit.workflows import export as exporting

    unknown = next((one for one in to if one not in FORMATS), None)
    if unknown is not None:
        raise UserError(f"unknown format {unknown!r}{near_match(unknown, FORMATS)}", f"Choose {', '.join(FORMATS)}.")
    config = ExportConfig(model=model, output=output, to=cast(Any, to), task=task, revision=revision)
    record = exporting.export(config, TerminalObserver()).record()
    typer.echo(json_line(record, "export") if json else "\n".join(described(record)))
