"""`bertkit train-tokenizer`: a tokenizer folder from running text. Without torch."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from bertkit.cli import options
from bertkit.errors import InputError, UserError
from bertkit.terminal.progress import progress_bar

if TYPE_CHECKING:
    from bertkit.tokenization.tokenizer import Tokenizer

ENOUGH_PROCESSES = 8  # more count faster than this one reads

Corpus = Annotated[list[str], typer.Argument(help="Files of text, gzip or not; - is standard input.", metavar="CORPUS")]
Folder = Annotated[
    str, typer.Option("--output", "-o", help="The folder to make; it appears whole or not at all.", metavar="FOLDER")
]
Kind = Annotated[
    Literal["wordpiece", "bpe", "unigram"],
    typer.Option(help="bpe and unigram are not reproducible: a second run can give another vocabulary."),
]
VocabSize = Annotated[int, typer.Option(min=1, help="Pieces, special tokens included; fewer where text is short.")]
Cased = Annotated[
    bool, typer.Option("--cased", help="Keep letter case and accents (wordpiece; bpe and unigram always do).")
]
MinFrequency = Annotated[
    int | None, typer.Option(min=1, help="A pair must stand so often to become a piece (wordpiece, bpe: 2).")
]
LimitAlphabet = Annotated[
    int | None, typer.Option(min=1, help="Different characters that are kept (wordpiece: 1000).", metavar="N")
]
Unused = Annotated[int, typer.Option(min=0, help="Free slots [unused0] … (wordpiece).", metavar="N")]
Format = Annotated[
    Literal["lines", "doc", "jsonl"] | None,
    typer.Option(help="doc is WikiExtractor's; by ending and first line when left out."),
]
Processes = Annotated[
    int | None,
    typer.Option(
        min=1, help="Processes that count words (as many as cores, up to 8); never changes the result.", metavar="N"
    ),
]


def train_tokenizer(
    corpus: Corpus,
    output: Folder,
    kind: Kind = "wordpiece",
    vocab_size: VocabSize = 30_522,
    cased: Cased = False,
    min_frequency: MinFrequency = None,
    limit_alphabet: LimitAlphabet = None,
    unused: Unused = 0,
    format: Format = None,
    text_column: options.TextColumn = None,
    processes: Processes = None,
    json: options.Json = False,
) -> None:
    """Learn a vocabulary from running text.

    A WordPiece vocabulary is reproducible: the same text gives the same bytes.
    """
    from bertkit.checkpoints.folders import atomic_folder
    from bertkit.cli.info import described
    from bertkit.cli.output import json_line
    from bertkit.corpora.corpus import read_corpus

    if kind != "wordpiece" and (cased or limit_alphabet is not None or unused):
        raise UserError(f"--cased, --limit-alphabet and --unused are not for --kind {kind}", "Leave them out.")
    if kind == "unigram" and min_frequency is not None:
        raise UserError("--min-frequency is not for --kind unigram", "Leave it out.")
    began = time.perf_counter()
    lines = Lines(read_corpus(corpus, format=format, text_column=text_column or "text"))
    with atomic_folder(Path(output)) as folder:  # before the text is read: an unwritable place shows at once
        if kind == "wordpiece":
            limits = {"min_frequency": min_frequency, "limit_alphabet": limit_alphabet, "unused": unused}
            counts = _count(lines, cased, processes or min(os.cpu_count() or 1, ENOUGH_PROCESSES))
            tokenizer = _wordpiece(
                counts, folder, cased, vocab_size, {k: v for k, v in limits.items() if v is not None}
            )
        else:
            counts = {}
            tokenizer = _by_library(lines, kind, vocab_size, min_frequency or 2)
        tokenizer.save(folder)
    record = {
        "folder": output,
        "kind": kind,
        "pieces": tokenizer.vocab_size,
        "lines": lines.read,
        "words": sum(counts.values()) if counts else None,
        "different_words": len(counts) if counts else None,
        "reproducible": kind == "wordpiece",
        "vocab_sha256": tokenizer.vocab_sha256(),
        "seconds": round(time.perf_counter() - began, 1),
    }
    typer.echo(json_line(record, "train-tokenizer") if json else "\n".join(described(record)))


class Lines:
    """Passes lines on and counts them, in `read` and on the terminal.

    Raises:
        InputError: at their end, when there was no text in them.
    """

    def __init__(self, lines: Iterator[str]) -> None:
        self._lines = lines
        self.read = 0

    def __iter__(self) -> Iterator[str]:
        empty = True
        with progress_bar("lines", shown=True) as tick:
            for line in self._lines:
                self.read += 1
                empty = empty and not line.strip()
                yield line
                tick()
        if empty:
            raise InputError("no text in the corpus", "Name files that hold running text.")


def _count(lines: Iterable[str], cased: bool, processes: int) -> dict[str, int]:
    from bertkit.tokenization.word_counts import chunks_of, count_words

    return count_words(chunks_of(lines), cased=cased, processes=processes)


def _wordpiece(
    counts: Mapping[str, int], folder: Path, cased: bool, vocab_size: int, limits: Mapping[str, int]
) -> Tokenizer:
    from bertkit.tokenization.files import write_object, write_text
    from bertkit.tokenization.tokenizer import Tokenizer
    from bertkit.tokenization.wordpiece_trainer import train_wordpiece

    with progress_bar("pieces", shown=True, total=vocab_size) as tick:
        pieces = train_wordpiece(counts, vocab_size=vocab_size, **limits, progress=tick)
    write_text(folder / "vocab.txt", "".join(f"{piece}\n" for piece in pieces))
    write_object(folder / "tokenizer_config.json", {"do_lower_case": not cased})
    return Tokenizer.load(folder)


def _by_library(lines: Iterable[str], kind: str, vocab_size: int, min_frequency: int) -> Tokenizer:
    from bertkit.tokenization.library_trainers import train_byte_level, train_unigram
    from bertkit.tokenization.tokenizer import Tokenizer

    print(f"a {kind} vocabulary is not reproducible: another run can give another one", file=sys.stderr)
    if kind == "bpe":
        return Tokenizer(train_byte_level(lines, vocab_size=vocab_size, min_frequency=min_frequency))
    return Tokenizer(train_unigram(lines, vocab_size=vocab_size))
