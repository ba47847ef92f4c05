"""Which tokenizer a folder holds, and the tokenizer of the `tokenizers` library that its files make.

A finished `tokenizer.json` says everything and comes first. The older files are pieces without rules: the rules are
the family's, which is known from the kind of file and, where several families share it, from the name that the folder
gives: `tokenizer_class` in `tokenizer_config.json`, else `model_type` in `config.json`. Google's ALBERT folders have
names of their own for the same files, and `albert_config.json` says whose they are.
"""

from __future__ import annotations

from pathlib import Path

import tokenizers

from bertkit.errors import BadCheckpoint
from bertkit.tokenization import byte_level, unigram, wordpiece
from bertkit.tokenization.casing import Casing, casing_of_backend
from bertkit.tokenization.files import COPY_AGAIN, read_lines, read_object
from bertkit.tokenization.settings import Settings

FINISHED = "tokenizer.json"
SENTENCEPIECE = ("spiece.model", "sentencepiece.bpe.model", "30k-clean.model")
WORDPIECE = ("vocab.txt", "vocab_chinese.txt")
# Classes of transformers that say nothing about whose tokenizer it is.
GENERIC = {"PreTrainedTokenizer", "TokenizersBackend"}


def open_backend(folder: Path, settings: Settings) -> tuple[tokenizers.Tokenizer, Casing]:
    """The tokenizer of a folder, and whether it is cased.

    Raises:
        BadCheckpoint: the folder has no tokenizer, or its file is damaged.
        ConfigError: the files fit several families and none is named.
    """
    if (folder / FINISHED).exists():
        backend = _read_finished(folder / FINISHED)
        return backend, casing_of_backend(backend, FINISHED)
    for name in SENTENCEPIECE:
        if (folder / name).exists():
            return unigram.build(folder / name, settings, _named(folder, settings))
    if (folder / byte_level.VOCABULARY).exists() or (folder / byte_level.MERGES).exists():
        return byte_level.build(folder, settings)
    for name in WORDPIECE:
        if (folder / name).exists():
            return wordpiece.build(folder / name, settings, _named(folder, settings))
    raise BadCheckpoint(
        f"{folder}: no {FINISHED}, {', '.join(SENTENCEPIECE)}, {byte_level.VOCABULARY} with {byte_level.MERGES}, "
        f"or {WORDPIECE[0]}",
        COPY_AGAIN,
    )


def open_file(path: Path, settings: Settings) -> tuple[tokenizers.Tokenizer, Casing]:
    """The tokenizer of one file, whatever it is called, and whether it is cased.

    Args:
        path: a finished tokenizer (`.json`), or a WordPiece vocabulary, one piece a line.
        settings: what the files beside it say.

    Raises:
        BadCheckpoint: the file is damaged, or neither.
        ConfigError: the files fit several families and none is named.
    """
    if path.suffix == ".json":
        backend = _read_finished(path)
        return backend, casing_of_backend(backend, path.name)
    return wordpiece.build(path, settings, _named(path.parent, settings))


def _named(folder: Path, settings: Settings) -> str | None:
    """The tokenizer class without `Fast`, else the model type; None where the folder says neither."""
    written = settings.kept.get("tokenizer_class")
    if isinstance(written, str) and (name := written.removesuffix("Fast")) not in GENERIC:
        return name
    model_type = read_object(folder / "config.json").get("model_type")
    if isinstance(model_type, str):
        return model_type
    return "albert" if (folder / "albert_config.json").exists() else None


def _read_finished(path: Path) -> tokenizers.Tokenizer:
    """Raises BadCheckpoint for a file that is not a tokenizer, with the library's reason."""
    text = "\n".join(read_lines(path))
    try:
        return tokenizers.Tokenizer.from_str(text)
    except Exception as error:  # the library raises nothing more special
        read_object(path)  # says which line is not JSON, if that is the reason
        reason = " ".join(str(error).split())[:160]
        raise BadCheckpoint(f"{path}: not a tokenizer of the `tokenizers` library ({reason})", COPY_AGAIN) from error
