"""`bertkit convert`: a checkpoint from one layout to another."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from bertkit.cli import options

Source = Annotated[str, typer.Argument(help="A folder in any layout, or a hub name.", metavar="SRC")]
Destination = Annotated[
    Path, typer.Argument(help="The folder to write; it must be new or empty, and appears whole.", metavar="DST")
]
Format = Annotated[
    Literal["hub", "tf", "sentence-transformers", "peft"],
    typer.Option(
        help="The layout to write: the hub's, Google's TensorFlow checkpoint, sentence-transformers', or peft's."
    ),
]
Pooling = Annotated[
    Literal["mean", "cls", "max", "mean_sqrt_len_tokens", "weightedmean", "lasttoken"] | None,
    typer.Option(help="sentence-transformers: how tokens become one vector; as SRC says when left out, else mean."),
]
Normalize = Annotated[
    bool | None,
    typer.Option(
        "--normalize/--no-normalize",
        help="sentence-transformers: whether vectors have length 1; as SRC says when left out, else not.",
    ),
]
MaxLength = Annotated[
    int | None,
    typer.Option(min=1, metavar="N", help="sentence-transformers: most tokens of a text, special tokens included."),
]

BakeTemperature = Annotated[
    bool,
    typer.Option(
        "--bake-temperature",
        help="Divide the classifier by the temperature of SRC's calibration, for programs that know of none.",
    ),
]


def convert(
    source: Source,
    destination: Destination,
    format: Format = "hub",
    pooling: Pooling = None,
    normalize: Normalize = None,
    max_length: MaxLength = None,
    bake_temperature: BakeTemperature = False,
    revision: options.Revision = None,
    json: options.Json = False,
) -> None:
    """Write a checkpoint in another layout, its weights bit for bit the same; those of int8 as float32."""
    from bertkit.cli.info import described
    from bertkit.cli.models import model_folder
    from bertkit.cli.output import json_line
    from bertkit.pretrained import convert as converting

    given = {"pooling": pooling, "normalize": normalize, "max_length": max_length}
    embeddings = {name: value for name, value in given.items() if value is not None}
    folder = model_folder(source, revision)
    record = converting.convert(folder, destination, format, embeddings, bake=bake_temperature).record()
    typer.echo(json_line(record, "convert") if json else "\n".join(described(record)))
