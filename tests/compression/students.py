"""Students that answer nearly as their teacher does: its weights with some noise, written another way."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file

from bertkit.tokenization.tokenizer import Tokenizer


def make_student(
    teacher: Path, folder: Path, *, noise: float = 0.02, order: Sequence[int] = (2, 0, 1), shuffled: bool = False
) -> Path:
    """A copy of a classifier of BERT's family.

    Args:
        order: of its labels, by the teacher's numbers.
        shuffled: whether its vocabulary has the words in another order.
    """
    shutil.copytree(teacher, folder)
    torch.manual_seed(1)
    tensors = {
        name: tensor + noise * torch.randn_like(tensor)
        for name, tensor in load_file(folder / "model.safetensors").items()
    }
    for name in ("classifier.weight", "classifier.bias"):
        tensors[name] = tensors[name][list(order)]
    config = json.loads((folder / "config.json").read_text())
    names = [config["id2label"][str(number)] for number in order]
    config["id2label"] = {str(number): name for number, name in enumerate(names)}
    config["label2id"] = {name: number for number, name in enumerate(names)}
    (folder / "config.json").write_text(json.dumps(config))
    if shuffled:
        table = "bert.embeddings.word_embeddings.weight"
        tensors[table] = tensors[table][shuffle_words(folder)].contiguous()
    save_file(tensors, folder / "model.safetensors", {"format": "pt"})
    return folder


def shuffle_words(folder: Path) -> list[int]:
    """Writes the tokenizer's words in another order behind the special tokens; gives the numbers that they had."""
    pieces = (folder / "vocab.txt").read_text().splitlines()
    first = next(number for number, piece in enumerate(pieces) if not piece.startswith("["))
    order = [*range(first), *range(len(pieces) - 1, first - 1, -1)]
    for name in ("tokenizer.json", "tokenizer_config.json", "special_tokens_map.json"):
        (folder / name).unlink(missing_ok=True)
    (folder / "vocab.txt").write_text("\n".join(pieces[number] for number in order) + "\n")
    Tokenizer.load(folder).save(folder)
    return order
