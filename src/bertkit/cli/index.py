"""`bertkit index`: your own documents in, an index out that `bertkit search` finds passages in."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from bertkit.cli import options

if TYPE_CHECKING:
    from bertkit.workflows.index import Indexed

Sources = Annotated[
    list[str] | None,
    typer.Argument(
        help="Folders and files: text, Markdown, HTML, PDF, JSONL, CSV, TSV, Parquet. Without any, those that the "
        "index has been given before.",
        metavar="FOLDER|FILE",
    ),
]
Output = Annotated[
    Path,
    typer.Option("--output", "-o", help="The index: a folder, which is made or brought up to date.", metavar="INDEX"),
]
Precision = Annotated[
    Literal["float16", "int8", "binary"] | None,
    typer.Option(help="Of stored vectors: float16 if left out; binary keeps bits besides, for millions of passages."),
]
Words = Annotated[int | None, typer.Option(min=8, metavar="N", help="The most words of a passage; 120 if left out.")]
Overlap = Annotated[
    int | None,
    typer.Option(min=0, metavar="N", help="The most words that the next one says again; 24 if left out."),
]
Prompt = Annotated[
    str | None,
    typer.Option(
        help="Before every passage: the name of one of the model's prompts, or a text, such as 'passage: '.",
        metavar="NAME|TEXT",
    ),
]
QueryPrompt = Annotated[
    str | None, typer.Option(help="Likewise before every query, such as 'query: '.", metavar="NAME|TEXT")
]
DType = Annotated[
    Literal["auto", "float32", "bfloat16", "float16", "int8"] | None,
    typer.Option(help="Precision that the model computes in."),
]


def index(
    output: Output,
    sources: Sources = None,
    model: options.Model = None,
    precision: Precision = None,
    words: Words = None,
    overlap: Overlap = None,
    prompt: Prompt = None,
    query_prompt: QueryPrompt = None,
    text_column: options.TextColumn = None,
    revision: options.Revision = None,
    dtype: DType = None,
    device: options.Device = "auto",
    json: options.Json = False,
) -> None:
    """Index your own documents; again, only what has changed is read and embedded, and what has gone leaves.

    Killed at any moment, the same command goes on where it stopped. What is searched meanwhile is the index as it was.

    Examples:

      bertkit index notes/ -o notes.idx

      bertkit index articles.jsonl --text-column body -o articles.idx --precision binary

      bertkit index -o notes.idx
    """
    from bertkit.config.indexing import IndexConfig
    from bertkit.config.strict import parse
    from bertkit.terminal.observer import TerminalObserver
    from bertkit.workflows.index import index as indexed

    given = {
        "index": str(output),
        "sources": tuple(sources or ()),
        "model": model,
        "revision": revision,
        "dtype": dtype,
        "device": device,
        "prompt": prompt,
        "query_prompt": query_prompt,
        "precision": precision,
        "words": words,
        "overlap": overlap,
        "text_column": text_column,
    }
    _print(indexed(parse(IndexConfig, given, "index"), TerminalObserver()), json)


def _print(found: Indexed, json: bool) -> None:
    import json as json_form

    if json:
        typer.echo(json_form.dumps(found.record(), ensure_ascii=False))
        return
    typer.echo(f"{found.index}: {found.passages:,} passages of {found.files:,} files")
    typer.echo(
        f"  {found.changed:,} files new or changed, {found.unchanged:,} unchanged, {found.removed:,} removed; "
        f"{found.embedded:,} passages embedded"
    )
    if found.passed_over:
        kinds = ", ".join(f"{count:,} {ending or '(no ending)'}" for ending, count in sorted(found.passed_over.items()))
        typer.echo(f"  of other kinds, passed over: {kinds}")
    typer.echo(f'  search it: bertkit search {found.index} "your question"')
