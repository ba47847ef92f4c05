"""What a SentencePiece `.model` file holds, read without the sentencepiece or protobuf libraries.

The file is one `ModelProto` message; field numbers and defaults are those of
https://github.com/google/sentencepiece/blob/master/src/sentencepiece_model.proto.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path

from bertkit.errors import BadCheckpoint, refuse_pointer
from bertkit.tokenization.files import COPY_AGAIN
from bertkit.tokenization.protobuf import fields

UNIGRAM = 1  # TrainerSpec.ModelType
ALGORITHMS = {2: "BPE", 3: "word", 4: "character"}


class PieceType(IntEnum):
    """`SentencePiece.Type`."""

    NORMAL = 1
    UNKNOWN = 2
    CONTROL = 3
    USER_DEFINED = 4
    UNUSED = 5
    BYTE = 6


@dataclass(frozen=True, slots=True)
class Piece:
    """One piece: its text, its log probability, and what kind of piece it is."""

    text: str
    score: float
    type: int


@dataclass(frozen=True, slots=True)
class SentencePieceModel:
    """A unigram model and how its text is normalised.

    Attributes:
        pieces: in the order of their SentencePiece ids.
        unk: id of the one piece of type UNKNOWN.
        charsmap: the compiled character replacements (`precompiled_charsmap`), empty for none.
        add_dummy_prefix: a space is put before the text, so that its first word is like the others.
        remove_extra_whitespaces: spaces at the ends go, and runs of spaces become one.
        byte_fallback: an unknown character becomes its UTF-8 bytes, which are pieces.
    """

    pieces: list[Piece]
    unk: int
    charsmap: bytes
    add_dummy_prefix: bool
    remove_extra_whitespaces: bool
    byte_fallback: bool


def read_model(path: Path) -> SentencePieceModel:
    """Reads a `.model` file.

    Raises:
        BadCheckpoint: the file cannot be read, is not a SentencePiece model, or is one of another algorithm.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise BadCheckpoint(f"{path}: cannot be read ({error.strerror})", COPY_AGAIN) from error
    refuse_pointer(path, content)
    try:
        return _model(memoryview(content), path)
    except (ValueError, TypeError) as error:  # TypeError: a field of the right number and the wrong type
        raise BadCheckpoint(f"{path}: not a SentencePiece model ({error})", COPY_AGAIN) from error


def _model(message: memoryview, path: Path) -> SentencePieceModel:
    pieces: list[Piece] = []
    trainer: dict[int, object] = {}
    normalizer: dict[int, object] = {}
    for number, value in fields(message):
        if number == 1:
            pieces.append(_piece(_bytes(value)))
        elif number == 2:
            trainer = dict(fields(_bytes(value)))
        elif number == 3:
            normalizer = dict(fields(_bytes(value)))
    unknown = [id for id, piece in enumerate(pieces) if piece.type == PieceType.UNKNOWN]
    if len(unknown) != 1:
        raise ValueError(f"{len(pieces)} pieces, of which {len(unknown)} are for unknown text; one should be")
    algorithm = trainer.get(3, UNIGRAM)
    if algorithm != UNIGRAM:
        raise BadCheckpoint(
            f"{path}: a SentencePiece model of the algorithm {ALGORITHMS.get(_int(algorithm), algorithm)}, not unigram",
            "Use a folder that has a tokenizer.json.",
        )
    if trainer.get(24) or not normalizer.get(5, 1):
        raise BadCheckpoint(
            f"{path}: spaces are not written as U+2581 before a word", "Use a folder that has a tokenizer.json."
        )
    return SentencePieceModel(
        pieces=pieces,
        unk=unknown[0],
        charsmap=bytes(_bytes(normalizer.get(2, memoryview(b"")))),
        add_dummy_prefix=bool(normalizer.get(3, 1)),
        remove_extra_whitespaces=bool(normalizer.get(4, 1)),
        byte_fallback=bool(trainer.get(35, 0)),
    )


def _piece(message: memoryview) -> Piece:
    values = dict(fields(message))
    score = values.get(2, 0.0)
    if not isinstance(score, float):
        raise TypeError("a piece without a score")
    return Piece(str(_bytes(values.get(1, b"")), "utf-8"), score, _int(values.get(3, PieceType.NORMAL)))


def _bytes(value: object) -> memoryview:
    return memoryview(value)  # type: ignore[arg-type]  # raises TypeError for a number, which the caller expects


def _int(value: object) -> int:
    if not isinstance(value, int):
        raise TypeError("a whole number is expected")
    return value
