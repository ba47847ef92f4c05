"""Options that several commands share, each with its one help text."""

from __future__ import annotations

from typing import Annotated, Literal

import typer

Texts = Annotated[
    list[str] | None, typer.Argument(help="Texts; without any, --input or standard input.", metavar="TEXT")
]
TextPair = Annotated[str | None, typer.Option(help="The second text of a pair, for one TEXT.", metavar="TEXT")]
Input = Annotated[
    list[str] | None,
    typer.Option(
        "--input",
        "-i",
        help="A file, a folder of files, or a pattern (in quotes); - is standard input. May be given often.",
        metavar="FILE|DIR|-",
    ),
]
FormatName = Literal["lines", "fasttext", "jsonl", "json", "csv", "tsv", "parquet", "conll", "squad"]
Format = Annotated[
    FormatName | None,
    typer.Option(help="Format of the input; by its ending when left out, for standard input lines."),
]
Delimiter = Annotated[
    str | None,
    typer.Option(help="What is between the fields of a table: comma, semicolon, tab, pipe or one character; found."),
]
TextColumn = Annotated[str | None, typer.Option(help="The column that holds the text.", metavar="NAME")]
Output = Annotated[
    str | None,
    typer.Option("--output", "-o", help="Write JSON lines to this file, whole or not at all.", metavar="FILE"),
]
RecordsFile = Annotated[
    str | None,
    typer.Option(
        "--output",
        "-o",
        help="Write to this file, whole or not at all: JSON lines; or a table (.csv, .tsv, .parquet), vectors (.npy); "
        "into a folder (out/, 'out/*.parquet') in parts.",
        metavar="FILE|FOLDER/",
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON: one record an input, in input order.")]
Model = Annotated[
    str | None,
    typer.Option("--model", "-m", help="A folder or a hub name; the built-in model when left out.", metavar="MODEL"),
]
Revision = Annotated[str | None, typer.Option(help="Branch, tag or commit of a hub model.", metavar="REVISION")]
DType = Annotated[
    Literal["auto", "float32", "bfloat16", "float16", "int8"],
    typer.Option(
        help="Precision; auto is what the hardware is fastest in: bfloat16, float16 or float32; int8 if the model is."
    ),
]
Device = Annotated[
    Literal["auto", "cpu", "cuda", "mps"],
    typer.Option(help="Where the model runs; AMD's GPUs are cuda, Apple's are mps."),
]
Long = Annotated[
    Literal["error", "truncate", "window"],
    typer.Option(help="A text longer than the model reads: refuse it, drop its end, or read it in windows."),
]
Backend = Annotated[
    Literal["auto", "torch", "onnx", "openvino"],
    typer.Option(help="What computes: torch where there are weights, else what the folder has a graph for."),
]
Invariant = Annotated[
    bool,
    typer.Option("--invariant", help="Answers the same to the last bit, whatever is in the batch; on a CPU, slower."),
]
OnError = Annotated[
    Literal["stop", "record"],
    typer.Option(help="A bad row: stop and leave no output file, or write its error in its place and go on."),
]
