"""Byte-level BPE from the files that RoBERTa was published with: `vocab.json` and `merges.txt`.

The pipeline is that of RoBERTa's published `tokenizer.json`: https://github.com/openai/gpt-2 `src/encoder.py` for text
to pieces, fairseq's `<s> a </s></s> b </s>` around them.
"""

from __future__ import annotations

from pathlib import Path

import tokenizers
from tokenizers import AddedToken, decoders, models, pre_tokenizers, processors

from bertkit.errors import BadCheckpoint
from bertkit.tokenization.casing import Casing
from bertkit.tokenization.files import COPY_AGAIN, read_lines, read_object
from bertkit.tokenization.settings import Settings
from bertkit.tokenization.specials import add_missing, ids_around, role_tokens

VOCABULARY, MERGES = "vocab.json", "merges.txt"
DEFAULT_TOKENS = {"pad": "<pad>", "unk": "<unk>", "cls": "<s>", "sep": "</s>", "mask": "<mask>"}


def build(folder: Path, settings: Settings) -> tuple[tokenizers.Tokenizer, Casing]:
    """The tokenizer of `vocab.json` and `merges.txt`. Added tokens are left to the caller.

    Raises:
        BadCheckpoint: a file is missing or not what it should be (the line named), or a special token has no id.
    """
    for name in (VOCABULARY, MERGES):
        if not (folder / name).exists():
            raise BadCheckpoint(f"{folder}: {VOCABULARY} and {MERGES} belong together, {name} is missing", COPY_AGAIN)
    vocabulary = _vocabulary(folder / VOCABULARY)
    merges = _merges(folder / MERGES, vocabulary)
    backend = tokenizers.Tokenizer(models.BPE(vocabulary, merges))
    return backend, dress(backend, folder / VOCABULARY, settings)


def fits(backend: tokenizers.Tokenizer) -> bool:
    """Whether a finished tokenizer has pieces of bytes: other vocabularies of pairs are made of characters."""
    return isinstance(backend.model, models.BPE) and "ByteLevel" in str(backend.pre_tokenizer)


def dress(backend: tokenizers.Tokenizer, path: Path, settings: Settings) -> Casing:
    """Makes RoBERTa's tokenizer of byte-level pieces.

    Raises:
        BadCheckpoint: there is no piece for one of the special tokens around a text.
    """
    special = special_tokens(settings)
    ids = ids_around(backend, path, special, ("cls", "sep"))
    spaced = settings.add_prefix_space is True
    backend.normalizer = None
    backend.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=spaced)
    backend.decoder = decoders.ByteLevel()
    add_missing(backend, special.values())
    backend.post_processor = processors.RobertaProcessing(
        (special["sep"].content, ids["sep"]),
        (special["cls"].content, ids["cls"]),
        trim_offsets=settings.trim_offsets is not False,
        add_prefix_space=spaced,
    )
    return Casing(True, "byte-level BPE keeps every byte of the text")


def special_tokens(settings: Settings) -> dict[str, AddedToken]:
    """The special tokens, in the names of the settings; those around a text must have a piece."""
    return role_tokens(DEFAULT_TOKENS, settings, mask_takes_space=True)


def _vocabulary(path: Path) -> dict[str, int]:
    vocabulary = read_object(path)
    wrong = next((piece for piece, id in vocabulary.items() if type(id) is not int or id < 0), None)
    if wrong is not None:
        raise BadCheckpoint(f"{path}: the id of {wrong!r} is {vocabulary[wrong]!r}, not a whole number", COPY_AGAIN)
    if len(set(vocabulary.values())) != len(vocabulary):
        raise BadCheckpoint(f"{path}: two pieces have the same id", COPY_AGAIN)
    return vocabulary


def _merges(path: Path, vocabulary: dict[str, int]) -> list[tuple[str, str]]:
    """Pairs of pieces, one a line, most frequent first; the first line may name the format's version."""
    merges = []
    for number, line in enumerate(read_lines(path), start=1):
        if not line or (number == 1 and line.startswith("#version")):
            continue
        left, _, right = line.partition(" ")
        if not {left, right, left + right} <= vocabulary.keys():
            raise BadCheckpoint(f"{path}:{number}: {line!r} is no pair of pieces of {VOCABULARY}", COPY_AGAIN)
        merges.append((left, right))
    return merges
