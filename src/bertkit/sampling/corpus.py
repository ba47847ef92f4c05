"""The data of a run: its shards, those held out, and the tokenizer of both."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bertkit.config.training import DataTable, Masking
from bertkit.corpora.shards import HELD_OUT, MANIFEST, TOKENIZER, Shards, open_shards
from bertkit.errors import ConfigError
from bertkit.sampling.stream import PretrainingStream
from bertkit.tokenization.tokenizer import Tokenizer


@dataclass(frozen=True)
class Corpus:
    """The data of a run.

    Attributes:
        held_out: what is evaluated on; empty where there is none.
    """

    shards: list[Shards]
    held_out: list[Shards]
    tokenizer: Tokenizer

    @classmethod
    def open(cls, table: DataTable) -> Corpus:
        """The shards that a file names.

        Raises:
            InputError: a folder is not one of shards, or is damaged.
            ConfigError: they are of different vocabularies.
        """
        folders = [Path(name) for name in ([table.shards] if isinstance(table.shards, str) else table.shards)]
        held_out = Path(table.held_out) if table.held_out is not None else folders[0] / HELD_OUT
        wanted = table.held_out is not None or (held_out / MANIFEST).is_file()
        shards = [open_shards(folder) for folder in folders]
        held = [open_shards(held_out)] if wanted else []
        for other in [*shards, *held]:
            if other.manifest.vocab_sha256 != shards[0].manifest.vocab_sha256:
                raise ConfigError(
                    f"{other.folder} has another vocabulary than {shards[0].folder}",
                    "Prepare both with the same tokenizer.",
                )
        return cls(shards, held, Tokenizer.load(folders[0] / TOKENIZER))

    def stream(self, shards: Sequence[Shards], table: DataTable, masking: Masking, seed: int) -> PretrainingStream:
        """Sequences of some of the shards."""
        return PretrainingStream(
            shards,
            self.tokenizer,
            arrangement=table.sequences,
            masking=masking,
            short_share=table.short_share,
            seed=seed,
        )
