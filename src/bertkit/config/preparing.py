"""How a corpus becomes shards, and how shards are looked at: what the command line and Python say. Torch-free."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from bertkit.config.strict import Strict
from bertkit.config.training import Count, Sequences, Size


class PrepareConfig(Strict):
    """A corpus, and the shards to be made of it.

    Attributes:
        corpus: files of text, gzip or not, or folders of them; `-` is standard input.
        output: the folder to make, or to go on with where it was left.
        vocab: a tokenizer's folder, `vocab.txt` or `tokenizer.json`, or a model; the built-in model's where left out.
        format: what documents are written in; by ending and beginning where left out.
        text_column: that holds the text, in formats with columns.
        processes: that do the work; as many as cores where left out. Never changes the result.
        shard_tokens: a shard ends with the document that reaches it.
        held_out: share of documents kept from training.
        near_duplicates: leave out documents that are nearly like an earlier one, not only those that are wholly so.
        keep_duplicates: leave out no duplicates.
        min_characters: leave out shorter documents.
        no_filters: leave out no document for what it looks like.
        append: add the corpus to finished shards.
    """

    corpus: Annotated[list[str], Field(min_length=1)]
    output: str
    vocab: str | None = None
    format: Literal["doc", "blank-line", "jsonl", "parquet", "lines", "text"] | None = None
    text_column: str = "text"
    processes: Size | None = None
    shard_tokens: Annotated[int, Field(ge=1, lt=2**31)] = 16 * 2**20
    held_out: Annotated[float, Field(ge=0.0, le=0.99)] = 0.0
    near_duplicates: bool = True
    keep_duplicates: bool = False
    min_characters: Count | None = None
    no_filters: bool = False
    append: bool = False


class AuditConfig(Strict):
    """Shards, and the sequences that training would make of them.

    Attributes:
        shards: their folder.
        sequences: how sequences are made.
        length: most tokens of one.
        picture: a file to write a page of pictures to.
    """

    shards: str
    sequences: Sequences = "next-sentence"
    length: Annotated[int, Field(ge=8)] = 128
    picture: str | None = None
