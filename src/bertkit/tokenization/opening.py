"""Which tokenizer a folder holds, and the tokenizer of the `tokenizers` library that its files make.

A finished `tokenizer.json` comes first. The older files are pieces without rules: the rules are the family's, which is
known from the kind of file and, where several families share it, from the name that the folder gives. Names and rules:
`rules.py`.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path

import tokenizers
from tokenizers import AddedToken

from bertkit.errors import BadCheckpoint
from bertkit.tokenization import byte_level, unigram, wordpiece
from bertkit.tokenization.casing import Casing, casing_of_backend
from bertkit.tokenization.files import COPY_AGAIN, read_lines, read_object
from bertkit.tokenization.rules import RULES, Rules, rules_beside_a_file, whose_pieces
from bertkit.tokenization.settings import Settings

FINISHED = "tokenizer.json"
SENTENCEPIECE = ("spiece.model", "sentencepiece.bpe.model", "30k-clean.model")
WORDPIECE = ("vocab.txt", "vocab_chinese.txt")


@dataclass(frozen=True, slots=True)
class Opened:
    """A tokenizer as its files make it, added tokens of the settings still to come.

    Attributes:
        settings: of the folder, with what its class says where they do not.
    """

    backend: tokenizers.Tokenizer
    casing: Casing
    settings: Settings


def open_backend(folder: Path, settings: Settings) -> Opened:
    """The tokenizer of a folder.

    Raises:
        BadCheckpoint: the folder has no tokenizer, or its file is damaged.
        ConfigError: the files fit several families and none is named, or a class is named whose rules are not here.
    """
    if (folder / FINISHED).exists():
        return _finished(folder / FINISHED, settings)
    for name in SENTENCEPIECE:
        if (folder / name).exists():
            named = whose_pieces(folder, settings)
            return _completed(*unigram.build(folder / name, settings, named), settings, RULES.get(named or ""))
    if (folder / byte_level.VOCABULARY).exists() or (folder / byte_level.MERGES).exists():
        whose_pieces(folder, settings)
        return _completed(*byte_level.build(folder, settings), settings, RULES["RobertaTokenizer"])
    for name in WORDPIECE:
        if (folder / name).exists():
            return _of_vocabulary(folder / name, settings)
    raise BadCheckpoint(
        f"{folder}: no {FINISHED}, {', '.join(SENTENCEPIECE)}, {byte_level.VOCABULARY} with {byte_level.MERGES}, "
        f"or {WORDPIECE[0]}",
        COPY_AGAIN,
    )


def open_file(path: Path, settings: Settings) -> Opened:
    """The tokenizer of one file, whatever it is called.

    Args:
        path: a finished tokenizer (`.json`), or a WordPiece vocabulary, one piece a line.
        settings: what the files beside it say.

    Raises:
        BadCheckpoint: the file is damaged, or neither.
        ConfigError: a class is named whose rules are not here.
    """
    return _finished(path, settings) if path.suffix == ".json" else _of_vocabulary(path, settings)


def _of_vocabulary(path: Path, settings: Settings) -> Opened:
    named = whose_pieces(path.parent, settings)
    return _completed(*wordpiece.build(path, settings, named), settings, RULES.get(named or ""))


def _finished(path: Path, settings: Settings) -> Opened:
    """A `tokenizer.json`, its pieces used by the rules of the class that is named, if it has rules of its own."""
    backend = _read_finished(path)
    # The lengths that a file cuts and pads texts to do not count here; where it cuts and what it pads with do.
    if settings.truncation_side is None and backend.truncation is not None:
        settings = replace(settings, truncation_side=backend.truncation["direction"])
    rules = rules_beside_a_file(path.parent, settings)
    # Pieces of another kind make no sense by the class's rules: the name is a mistake, and the file is not.
    if rules is None or not rules.fits(backend):
        if backend.padding is not None:
            pad = AddedToken(backend.padding["pad_token"], special=True, normalized=False)
            settings = replace(settings, special={"pad": pad, **settings.special})
        return Opened(backend, casing_of_backend(backend, path.name), settings)
    listed = {id for id, _ in settings.added}
    if settings.lists_added and not backend.get_added_tokens_decoder().keys() <= listed:
        backend = _read_finished(path, added_tokens=False)  # the list is of all of them
    casing = rules.dress(backend, path, settings)
    return _completed(backend, casing, settings, rules)


def _completed(backend: tokenizers.Tokenizer, casing: Casing, settings: Settings, rules: Rules | None) -> Opened:
    """With what the class says where the settings say nothing."""
    if rules is None:
        return Opened(backend, casing, settings)
    segments = rules.segments if settings.segments is None else settings.segments
    special = {**settings.special, **rules.special(settings)}
    return Opened(backend, casing, replace(settings, segments=segments, special=special))


def _read_finished(path: Path, *, added_tokens: bool = True) -> tokenizers.Tokenizer:
    """Raises BadCheckpoint for a file that is not a tokenizer, with the library's reason."""
    text = "\n".join(read_lines(path))
    if not added_tokens:
        text = json.dumps(json.loads(text) | {"added_tokens": []})
    try:
        return tokenizers.Tokenizer.from_str(text)
    except Exception as error:  # the library raises nothing more special
        read_object(path)  # says which line is not JSON, if that is the reason
        reason = " ".join(str(error).split())[:160]
        raise BadCheckpoint(f"{path}: not a tokenizer of the `tokenizers` library ({reason})", COPY_AGAIN) from error
