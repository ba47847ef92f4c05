"""Tokenizer folders of the other families, made here: `.model` files by hand and trained, byte-level BPE, MPNet."""

from __future__ import annotations

import io
import json
import struct
from collections.abc import Iterable, Sequence
from pathlib import Path

import tokenizers
from tokenizers import models, pre_tokenizers, trainers

NORMAL, UNKNOWN, CONTROL, USER_DEFINED, UNUSED, BYTE = range(1, 7)
ALBERT = {
    "control_symbols": ["[CLS]", "[SEP]", "[MASK]"],
    "user_defined_symbols": ["(", ")", '"', "-", ".", "–", "£", "€"],  # noqa: RUF001 - ALBERT's own list
    "pad_id": 0,
    "unk_id": 1,
    "bos_id": -1,
    "eos_id": -1,
    "pad_piece": "<pad>",
}
FAIRSEQ_HEAD = [("<unk>", 0.0, UNKNOWN), ("<s>", 0.0, CONTROL), ("</s>", 0.0, CONTROL)]


def varint(value: int) -> bytes:
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value])


def field(number: int, value: int | float | bytes) -> bytes:
    """One field of a message: a whole number, a `float`, or bytes with their length."""
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    if isinstance(value, float):
        return varint(number << 3 | 5) + struct.pack("<f", value)
    return varint(number << 3 | 2) + varint(len(value)) + value


def piece(text: str, score: float, type: int) -> bytes:
    return field(1, field(1, text.encode()) + field(2, score) + (b"" if type == NORMAL else field(3, type)))


def model_bytes(
    pieces: Iterable[tuple[str, float, int]], trainer: bytes = field(3, 1), normalizer: bytes = b""
) -> bytes:
    """A ModelProto as SentencePiece writes it."""
    return b"".join(piece(*each) for each in pieces) + field(2, trainer) + field(3, normalizer)


def pieces(*texts: str) -> list[tuple[str, float, int]]:
    """Ordinary pieces, the earlier the likelier."""
    return [(text, -1.0 - place, NORMAL) for place, text in enumerate(texts)]


def train_sentencepiece(lines: Sequence[str], vocab_size: int, **options: object) -> bytes:
    """The bytes of a `.model` that sentencepiece itself trained."""
    import sentencepiece

    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(lines),
        model_writer=model,
        vocab_size=vocab_size,
        num_threads=2,
        minloglevel=2,
        **{"normalization_rule_name": "nmt_nfkc", **options},
    )
    return model.getvalue()


def write_model(folder: Path, name: str, content: bytes, **config: object) -> Path:
    """A folder with a `.model` file and a config.json."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(content)
    if config:
        (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")
    return folder


def train_byte_level(folder: Path, lines: Iterable[str], vocab_size: int) -> Path:
    """RoBERTa's two files: `<s> <pad> </s> <unk>` first, the mask last."""
    backend = tokenizers.Tokenizer(models.BPE())
    backend.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    trainer = trainers.BpeTrainer(
        vocab_size=vocab_size - 1,
        special_tokens=["<s>", "<pad>", "</s>", "<unk>"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    backend.train_from_iterator(lines, trainer)
    folder.mkdir(parents=True, exist_ok=True)
    backend.model.save(str(folder))
    vocabulary = json.loads((folder / "vocab.json").read_text(encoding="utf-8"))
    vocabulary["<mask>"] = len(vocabulary)
    (folder / "vocab.json").write_text(json.dumps(vocabulary), encoding="utf-8")
    return folder


def mpnet_pieces(pieces: Sequence[str]) -> list[str]:
    """BERT's pieces as MPNet numbers them: its own special tokens first, the mask last."""
    own = [piece for piece in pieces if not piece.startswith("[")]
    return ["<s>", "<pad>", "</s>", "<unk>", "[UNK]", *own, "<mask>"]
