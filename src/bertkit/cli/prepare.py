"""`bertkit prepare`: a corpus to shards of token ids, to train on. Without torch."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from bertkit.cli import options
from bertkit.errors import ModelNotFound, UserError

if TYPE_CHECKING:
    from bertkit.corpora.prepare_state import Recipe
    from bertkit.corpora.shards import Manifest
    from bertkit.tokenization.tokenizer import Tokenizer

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
        help="A tokenizer's folder, vocab.txt or tokenizer.json, or a model; the embedded model's when left out.",
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
    recipe = _recipe(shard_tokens, held_out, near_duplicates, keep_duplicates, min_characters, no_filters)
    how = {"format": format, "text_column": text_column or "text", "append": append}
    record = _make(corpus, output, open_vocab(vocab), recipe, processes=processes or os.cpu_count() or 1, **how)
    return _show(record, json)


def _make(corpus: list[str], folder: str, tokenizer: Tokenizer, recipe: Recipe, **how: Any) -> dict[str, object]:
    """Make the shards below a progress bar; `how` is for `data.prepare.prepare`. Returns what is in the folder now."""
    from bertkit.cli.progress import progress_bar
    from bertkit.corpora.prepare import prepare as prepare_shards

    began = time.perf_counter()
    done_bytes = 0
    with progress_bar("MB", shown=True, decimals=1) as tick:

        def progress(text_bytes: int) -> None:
            nonlocal done_bytes
            done_bytes += text_bytes
            tick(text_bytes / 1e6)

        manifest = prepare_shards(corpus, Path(folder), tokenizer, recipe, progress=progress, **how)
    return _summary(folder, manifest, done_bytes, time.perf_counter() - began)


def _show(record: dict[str, object], json: bool) -> None:
    from bertkit.cli.info import described
    from bertkit.cli.output import json_line

    typer.echo(json_line(record, "prepare") if json else "\n".join(described(record)))


def open_vocab(vocab: str | None) -> Tokenizer:
    """The tokenizer of a file, a folder or a model; the embedded model's for None."""
    from bertkit.cli.models import model_folder
    from bertkit.tokenization.tokenizer import Tokenizer

    if vocab is not None and Path(vocab).is_file():
        return Tokenizer.load_file(Path(vocab))
    if vocab is not None and vocab.endswith((".txt", ".json")):
        raise ModelNotFound(f"{vocab}: no such file", "Check the path.")
    return Tokenizer.load(model_folder(vocab, None))


def _recipe(
    shard_tokens: int, held_out: float, near: bool, keep_duplicates: bool, min_characters: int | None, no_filters: bool
) -> Recipe:
    from bertkit.corpora.filters import Filters
    from bertkit.corpora.prepare_state import Recipe

    if no_filters and min_characters is not None:
        raise UserError("--min-characters is a filter, and --no-filters leaves out none", "Leave one of them out.")
    filters = Filters() if min_characters is None else Filters(min_characters=min_characters)
    return Recipe(
        filters=None if no_filters else filters,
        duplicates="keep" if keep_duplicates else "near" if near else "exact",
        held_out=held_out,
        shard_tokens=shard_tokens,
    )


def _summary(folder: str, manifest: Manifest, done_bytes: int, seconds: float) -> dict[str, object]:
    """What is in the folder; the speed is of this run alone."""
    return {
        "folder": folder,
        "documents": manifest.documents,
        "sentences": manifest.sentences,
        "tokens": manifest.tokens,
        "shards": len(manifest.shards),
        "counts": manifest.counts,
        "vocab_sha256": manifest.vocab_sha256,
        "sha256": manifest.sha256(),
        "seconds": round(seconds, 1),
        "megabytes_per_second": round(done_bytes / 1e6 / seconds, 2),
    }
