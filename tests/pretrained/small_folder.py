"""The folder of a small model: its tensors changed, and what it computes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from bertkit.pretrained.loading import load_encoder
from tests.parity.bert_peer import Sequences, Sizes

SIZES = Sizes()


def rewrite(folder: Path, change: Callable[[dict[str, Tensor]], dict[str, Tensor]]) -> None:
    path = folder / "model.safetensors"
    save_file(change({name: tensor.clone() for name, tensor in load_file(path).items()}), path)


def hidden(folder: Path) -> Tensor:
    with torch.inference_mode():
        return load_encoder(folder)(Sequences.random([3, 9, 1], SIZES).packed())
