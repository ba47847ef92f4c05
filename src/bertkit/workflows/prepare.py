"""Preparation, the whole job: a corpus to shards of token ids, to train on. Without torch.

Killed at any moment, the same call goes on where it stopped.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from bertkit.checkpoints.embedded import embedded_folder
from bertkit.checkpoints.hub import locate
from bertkit.config.preparing import PrepareConfig
from bertkit.corpora.filters import Filters
from bertkit.corpora.prepare import Writing, short_lines
from bertkit.corpora.prepare import prepare as make_shards
from bertkit.corpora.prepare_state import CorpusFile, PreparationRecipe
from bertkit.corpora.shards import Manifest
from bertkit.errors import ModelNotFound, UserError
from bertkit.reports.notebook import small_table
from bertkit.tokenization.tokenizer import Tokenizer


@dataclass(frozen=True)
class PreparedShards:
    """Shards to train on.

    Attributes:
        folder: where they are.
        manifest: what is in the folder now, earlier runs included.
        seconds: that this run took.
        text_bytes: that this run read.
    """

    folder: Path
    manifest: Manifest
    seconds: float
    text_bytes: int

    @property
    def reads_short_lines(self) -> bool:
        """Whether most documents were single lines that were too short to keep: perhaps sentences of longer ones."""
        sources = cast("list[object]", self.manifest.settings["sources"])
        return short_lines([CorpusFile.model_validate(source) for source in sources], self.manifest.counts)

    def record(self) -> dict[str, object]:
        """What is in the folder, as JSON values; the speed is of this run alone."""
        manifest = self.manifest
        return {
            "folder": str(self.folder),
            "documents": manifest.documents,
            "sentences": manifest.sentences,
            "tokens": manifest.tokens,
            "shards": len(manifest.shards),
            "counts": manifest.counts,
            "vocab_sha256": manifest.vocab_sha256,
            "sha256": manifest.sha256(),
            "seconds": round(self.seconds, 1),
            "megabytes_per_second": round(self.text_bytes / 1e6 / self.seconds, 2),
        }

    def __repr__(self) -> str:
        """One line: how much there is, and where."""
        manifest = self.manifest
        size = f"{manifest.documents:,} documents, {manifest.tokens:,} tokens in {len(manifest.shards):,} shards"
        return f"<bertkit.PreparedShards {size} in {str(self.folder)!r}>"

    def _repr_html_(self) -> str:
        """What is in the folder as a small table, for a notebook."""
        manifest = self.manifest
        rows = [
            *((name, f"{getattr(manifest, name):,}") for name in ("documents", "sentences", "tokens")),
            ("shards", f"{len(manifest.shards):,}"),
            *((name.replace("_", " "), f"{count:,}") for name, count in manifest.counts.items()),
        ]
        return small_table(f"shards in {self.folder}", ("", "number"), rows)


def prepare(config: PrepareConfig, *, progress: Callable[[int], None] = lambda text_bytes: None) -> PreparedShards:
    """Makes a folder of shards, goes on with one that is not finished, or appends to one that is.

    Args:
        progress: called with the number of bytes of text that have been dealt with since the last call.

    Raises:
        UserError: options do not go together, or the folder was begun with other options.
        InputError: a file cannot be read, or nothing of the corpus is left.
        ModelNotFound: there is no such tokenizer.
        OutputError: the folder cannot be written, or another run writes there.
    """
    recipe = recipe_of(config)
    tokenizer = open_vocab(config.vocab)
    began = time.perf_counter()
    read_bytes = 0

    def count(text_bytes: int) -> None:
        nonlocal read_bytes
        read_bytes += text_bytes
        progress(text_bytes)

    manifest = make_shards(
        config.corpus,
        Path(config.output),
        tokenizer,
        recipe,
        written=Writing(config.format, config.text_column),
        processes=config.processes or os.cpu_count() or 1,
        append=config.append,
        progress=count,
    )
    return PreparedShards(Path(config.output), manifest, time.perf_counter() - began, read_bytes)


def recipe_of(config: PrepareConfig) -> PreparationRecipe:
    """What becomes of a document.

    Raises:
        UserError: options do not go together.
    """
    if config.no_filters and config.min_characters is not None:
        raise UserError("--min-characters is a filter, and --no-filters leaves out none", "Leave one of them out.")
    least = config.min_characters
    filters = Filters() if least is None else Filters(min_characters=least)
    return PreparationRecipe(
        filters=None if config.no_filters else filters,
        duplicates="keep" if config.keep_duplicates else "near" if config.near_duplicates else "exact",
        held_out=config.held_out,
        shard_tokens=config.shard_tokens,
    )


def open_vocab(vocab: str | None) -> Tokenizer:
    """The tokenizer of a file, a folder or a model; the built-in model's for None.

    Raises:
        ModelNotFound: there is none.
    """
    if vocab is None:
        return Tokenizer.load(embedded_folder())
    if Path(vocab).is_file():
        return Tokenizer.load_file(Path(vocab))
    if vocab.endswith((".txt", ".json")):
        raise ModelNotFound(f"{vocab}: no such file", "Check the path.")
    return Tokenizer.load(locate(vocab))
