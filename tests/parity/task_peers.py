"""Random models of transformers with a head for a task, saved as transformers does."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import torch
from transformers import (
    BertConfig,
    BertForMultipleChoice,
    BertForQuestionAnswering,
    BertForSequenceClassification,
    BertForTokenClassification,
    PreTrainedModel,
)

from tests.parity.bert_peer import PIECES, Sizes

KINDS: dict[str, type[PreTrainedModel]] = {
    "text-classification": BertForSequenceClassification,
    "token-classification": BertForTokenClassification,
    "question-answering": BertForQuestionAnswering,
    "multiple-choice": BertForMultipleChoice,
}


def make_task_peer(
    kind: str,
    folder: Path,
    *,
    labels: Sequence[str] = ("no", "yes", "maybe"),
    sizes: Sizes = Sizes(segment_types=2),  # noqa: B008  # frozen
    vocabulary: Sequence[str] | None = None,
    seed: int = 0,
    deviation: float = 0.2,
    **config: object,
) -> PreTrainedModel:
    """A model with random weights; its words are `w0`, `w1`, … unless a vocabulary of `sizes.vocab_size` is given."""
    torch.manual_seed(seed)
    named = {"id2label": dict(enumerate(labels)), "label2id": {label: id for id, label in enumerate(labels)}}
    if kind not in ("text-classification", "token-classification"):
        named = {}
    settings = BertConfig(
        vocab_size=sizes.vocab_size,
        hidden_size=sizes.width,
        num_hidden_layers=sizes.layers,
        num_attention_heads=sizes.heads,
        intermediate_size=sizes.ffn_width,
        max_position_embeddings=sizes.positions,
        type_vocab_size=sizes.segment_types,
        layer_norm_eps=1e-7,
        **named,
        **config,
    )
    model = KINDS[kind](settings).eval()
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            parameter.normal_(float("LayerNorm.weight" in name), deviation)
    model.save_pretrained(folder)
    pieces = vocabulary or [*PIECES, *(f"w{number}" for number in range(sizes.vocab_size - len(PIECES)))]
    (folder / "vocab.txt").write_text("\n".join(pieces) + "\n", encoding="utf-8")
    return model


def change_config(folder: Path, *drop: str, **values: object) -> None:
    """The folder's `config.json` without some keys, and with others."""
    path = folder / "config.json"
    kept = {key: value for key, value in json.loads(path.read_text()).items() if key not in drop}
    path.write_text(json.dumps(kept | values))
