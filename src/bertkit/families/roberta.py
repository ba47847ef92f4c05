"""RoBERTa (Liu et al. 2019, arXiv 1907.11692), and the models that are RoBERTa over other texts.

XLM-R: Conneau et al. 2020, arXiv 1911.02116. CamemBERT: Martin et al. 2020, arXiv 1911.03894.
"""

from __future__ import annotations

from typing import Any

from bertkit.config.encoder import EncoderConfig, LearnedPositions
from bertkit.families.contract import Family, Key
from bertkit.families.harmless import DROPOUT, because
from bertkit.families.spelling import (
    ANSWER_SPAN,
    BERT_LAYER,
    BUFFERS,
    EMBEDDING_NORM,
    ENDINGS,
    LM_HEAD,
    OLD_NORMS,
    PLAIN_ENCODER,
    POOLED_CLASSIFIER,
    POOLER,
    POSITIONS,
    SEGMENTS,
    TOKEN_CLASSIFIER,
    TOKENS,
    bert_keys,
    first_token_classifier,
)
from bertkit.families.values import WHOLE


def size(vocab_size: int, layers: int, width: int, heads: int) -> EncoderConfig:
    """A published size: two rows of the position table are for padding, which is not counted."""
    return EncoderConfig(
        vocab_size=vocab_size,
        width=width,
        heads=heads,
        ffn_width=4 * width,
        layer_of_step=tuple(range(layers)),
        segment_types=1,
        positions=LearnedPositions(length=514, offset=2),
        norm_eps=1e-5,
    )


def read_offset(pad_token_id: Any) -> object:
    """Positions are counted from the padding token's id on."""
    return pad_token_id + 1


def write_offset(offset: Any) -> object:
    """The padding token's id that gives this offset."""
    return offset - 1


FAMILY = Family(
    name="roberta",
    class_names={"roberta": "Roberta", "xlm-roberta": "XLMRoberta", "camembert": "Camembert"},
    changes="positions begin at 2, one segment, byte-level BPE or unigram tokens, no next-sentence head",
    presets={
        "roberta-base": size(50265, 12, 768, 12),
        "roberta-large": size(50265, 24, 1024, 16),
        "xlm-roberta-base": size(250002, 12, 768, 12),
        "xlm-roberta-large": size(250002, 24, 1024, 16),
        "camembert-base": size(32005, 12, 768, 12),
    },
    keys=(
        *bert_keys(vocab_size=50265),
        Key("pad_token_id", "positions.offset", 1, read_offset, write_offset, WHOLE),
    ),
    fixed=PLAIN_ENCODER,
    harmless=because(DROPOUT, "classifier_dropout"),
    prefix="roberta.",
    encoder=(TOKENS, POSITIONS, SEGMENTS, *EMBEDDING_NORM, *BERT_LAYER, *POOLER),
    heads={
        "masked-lm": LM_HEAD,
        "text-classification": first_token_classifier("tanh"),
        "token-classification": TOKEN_CLASSIFIER,
        "question-answering": ANSWER_SPAN,
        "multiple-choice": POOLED_CLASSIFIER,
    },
    architectures=ENDINGS,
    old_endings=OLD_NORMS,
    ignored=(*BUFFERS, "lm_head.decoder.weight"),
)
