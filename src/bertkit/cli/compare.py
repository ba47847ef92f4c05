"""`bertkit compare`: where two models part, from the text's tokens to the answer."""

from __future__ import annotations

from typing import Annotated

import typer

from bertkit.cli import options

First = Annotated[str, typer.Argument(help="A folder or a hub name, of a checkpoint or a graph.", metavar="A")]
Second = Annotated[str, typer.Argument(help="What it is compared with.", metavar="B")]
Data = Annotated[
    str | None, typer.Option(help="Rows that both answer, at most 500; sentences when left out.", metavar="FILE")
]
Task = Annotated[str | None, typer.Option(help="What they are asked for; what A does when left out.", metavar="TASK")]


def compare(
    a: First,
    b: Second,
    data: Data = None,
    format: options.Format = None,
    delimiter: options.Delimiter = None,
    task: Task = None,
    json: options.Json = False,
) -> None:
    """Find where two models part: tokens, embeddings, a layer, the outputs, or nowhere."""
    from bertkit.cli.output import json_line
    from bertkit.config.comparing import CompareConfig
    from bertkit.formats.dialects import with_delimiter
    from bertkit.workflows import compare as comparing

    found = comparing.compare(CompareConfig(a=a, b=b, data=data, format=with_delimiter(format, delimiter), task=task))
    if json:
        typer.echo(json_line(found.record(), "compare"))
        return
    for part in found.layers:
        typer.echo(f"{part.name}: {'the same' if part.difference == 0 else f'differs by {part.difference:.1e}'}")
    for name, one, other in found.settings:
        typer.echo(f"{name}: A {one}, B {other}")
    typer.echo(f"{found.task}, {found.texts} inputs: {found.verdict}")
