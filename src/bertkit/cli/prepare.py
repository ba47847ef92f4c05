"""`bertkit prepare`: a corpus to shards of token ids, to train on. Without torch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

import typer

from bertkit.cli import options
from bertkit.errors import UserError

if TYPE_CHECKING:
    from bertkit.workflows.prepare import PreparedShards

Corpus = Annotated[
    list[str] | None,
    typer.Argument(help="Files of text, gzip or not, or folders of them; - is standard input.", metavar="CORPUS"),
]
Output = Annotated[
    str | None,
    typer.Option("--output", "-o", help="The folder to make, or to go on with after a crash.", metavar="SHARDS"),
]
Vocab = Annotated[
    str | None,
    typer.Option(
        help="A tokenizer's folder, vocab.txt or tokenizer.json, or a model; the built-in model's when left out.",
        metavar="FILE|MODEL",
    ),
]
Format = Annotated[
    Literal["doc", "blank-line", "jsonl", "parquet", "lines", "text"] | None,
    typer.Option(help="What documents are written in (doc is WikiExtractor's); by ending and beginning when left out."),
]
Processes = Annotated[
    int | None,
    typer.Option(min=1, help="Processes that do the work (as many as cores); never changes the result.", metavar="N"),
]
ShardTokens = Annotated[
    int, typer.Option(min=1, max=2**31 - 1, help="A shard ends with the document that reaches it.", metavar="N")
]
HeldOut = Annotated[
    float, typer.Option(min=0.0, max=0.99, help="Share of documents kept from training.", metavar="FRACTION")
]
NearDuplicates = Annotated[bool, typer.Option(help="Leave out documents that are nearly like an earlier one.")]
KeepDuplicates = Annotated[bool, typer.Option("--keep-duplicates", help="Leave out no duplicates, exact ones neither.")]
MinCharacters = Annotated[int | None, typer.Option(min=0, help="Leave out shorter documents.", metavar="N")]
NoFilters = Annotated[bool, typer.Option("--no-filters", help="Leave out no document for what it looks like.")]
Audit = Annotated[
    str | None, typer.Option(help="Say what is in these shards, and what training makes of them.", metavar="SHARDS")
]
Arrangement = Annotated[
    Literal["next-sentence", "sentence-order", "full-sentences", "documents"],
    typer.Option(help="With --audit: how sequences are made."),
]
Length = Annotated[int, typer.Option(min=8, help="With --audit: most tokens of a sequence.", metavar="N")]
Picture = Annotated[str | None, typer.Option(help="With --audit: also write a page of pictures.", metavar="FILE.html")]
Append = Annotated[bool, typer.Option("--append", help="Add the corpus to finished shards.")]


def prepare(
    corpus: Corpus = None,
    output: Output = None,
    vocab: Vocab = None,
    format: Format = None,
    text_column: options.TextColumn = None,
    processes: Processes = None,
    shard_tokens: ShardTokens = 16 * 2**20,
    held_out: HeldOut = 0.0,
    near_duplicates: NearDuplicates = True,
    keep_duplicates: KeepDuplicates = False,
    min_characters: MinCharacters = None,
    no_filters: NoFilters = False,
    append: Append = False,
    audit: Audit = None,
    sequences: Arrangement = "next-sentence",
    length: Length = 128,
    picture: Picture = None,
    json: options.Json = False,
) -> None:
    """Make shards to pre-train on: documents filtered, cut into sentences and tokenised. Or audit shards.

    Killed at any moment, the same command goes on where it stopped.
    """
    if audit is not None:
        from bertkit.cli.audit import audit as audit_shards

        if corpus or output is not None:
            raise UserError("--audit reads shards and makes none", "Leave CORPUS and -o out.")
        return audit_shards(audit, sequences=sequences, length=length, picture=picture, json=json)
    if not corpus or output is None:
        raise UserError("a corpus and a folder for the shards are needed", "bertkit prepare CORPUS... -o SHARDS")
    from bertkit.config.preparing import PrepareConfig
    from bertkit.terminal.progress import progress_bar
    from bertkit.workflows.prepare import prepare as prepared

    config = PrepareConfig(
        corpus=corpus,
        output=output,
        vocab=vocab,
        format=format,
        text_column=text_column or "text",
        processes=processes,
        shard_tokens=shard_tokens,
        held_out=held_out,
        near_duplicates=near_duplicates,
        keep_duplicates=keep_duplicates,
        min_characters=min_characters,
        no_filters=no_filters,
        append=append,
    )
    with progress_bar("MB", shown=True, decimals=1) as tick:
        made = prepared(config, progress=lambda text_bytes: tick(text_bytes / 1e6))
    return _show(made, json)


def _show(made: PreparedShards, json: bool) -> None:
    from bertkit.cli.info import described
    from bertkit.cli.output import json_line
    from bertkit.corpora.prepare import KEEP_SHORT, SENTENCES
    from bertkit.terminal.messages import say

    record = made.record()
    typer.echo(json_line(record, "prepare") if json else "\n".join(described(record)))
    if made.reads_short_lines:
        counts = made.manifest.counts
        say(f"{counts['too_short']:,} of {counts['documents_read']:,} documents were too short")
        say(f"{SENTENCES} {KEEP_SHORT}")
