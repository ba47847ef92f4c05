"""The oracle of the parity tests: a random BERT of transformers, its folder on disk, and sequences for both sides."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch
from transformers import BertConfig, BertForPreTraining

from bertkit.batching.token_batch import TokenBatch

PIECES = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "paris", "is", "a", "city", "##s"]


@dataclass(frozen=True)
class Sizes:
    """Sizes that cannot be confused with one another."""

    layers: int = 2
    heads: int = 3
    width: int = 33
    ffn_width: int = 37
    vocab_size: int = 99
    positions: int = 23
    segment_types: int = 3
    activation: str = "gelu"


def make_peer(sizes: Sizes, folder: Path, *, deviation: float = 0.2, seed: int = 0) -> BertForPreTraining:
    """A model with random weights, biases and norms included, saved in `folder` as transformers does."""
    torch.manual_seed(seed)
    config = BertConfig(
        vocab_size=sizes.vocab_size,
        hidden_size=sizes.width,
        num_hidden_layers=sizes.layers,
        num_attention_heads=sizes.heads,
        intermediate_size=sizes.ffn_width,
        hidden_act=sizes.activation,
        max_position_embeddings=sizes.positions,
        type_vocab_size=sizes.segment_types,
        layer_norm_eps=1e-7,
    )
    model = BertForPreTraining(config).eval()
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            parameter.normal_(float("LayerNorm.weight" in name), deviation)
    model.save_pretrained(folder)
    words = [f"w{number}" for number in range(sizes.vocab_size - len(PIECES))]
    (folder / "vocab.txt").write_text("\n".join(PIECES + words) + "\n")
    return model


@dataclass(frozen=True)
class Sequences:
    """Token and segment ids of a few sequences."""

    ids: list[list[int]]
    segments: list[list[int]]

    @classmethod
    def random(cls, lengths: list[int], sizes: Sizes, seed: int = 1) -> Sequences:
        """Random ids but 0, which transformers gives no gradient; segments as a pair has them: zeros, then ones."""
        generator = torch.Generator().manual_seed(seed)
        ids = [torch.randint(1, sizes.vocab_size, (length,), generator=generator).tolist() for length in lengths]
        return cls(ids, [[0] * (length // 2) + [1] * (length - length // 2) for length in lengths])

    def packed(self) -> TokenBatch:
        """The sequences end to end."""
        return TokenBatch.pack(self.ids, self.segments)

    def padded(self) -> dict[str, torch.Tensor]:
        """The sequences as transformers takes them."""
        longest = max(map(len, self.ids))
        rows = [(ids, segments, [1] * len(ids)) for ids, segments in zip(self.ids, self.segments, strict=True)]
        columns = zip(*rows, strict=True)
        names = ("input_ids", "token_type_ids", "attention_mask")
        return {
            name: torch.tensor([row + [0] * (longest - len(row)) for row in column])
            for name, column in zip(names, columns, strict=True)
        }

    def unpad(self, hidden_BLW: torch.Tensor) -> torch.Tensor:
        """The rows of a padded result that stand for tokens, end to end."""
        return torch.cat([row[: len(ids)] for row, ids in zip(hidden_BLW, self.ids, strict=True)])
