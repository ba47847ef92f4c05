"""RoBERTa (Liu et al. 2019, arXiv 1907.11692), and the models that are RoBERTa over other texts.

XLM-R: Conneau et al. 2020, arXiv 1911.02116. CamemBERT: Martin et al. 2020, arXiv 1911.03894.
"""

from __future__ import annotations

from bertkit.config.encoder import EncoderConfig, LearnedPositions
from bertkit.families.contract import (
    Family,
    HeadShape,
    Key,
    Weight,
    read_activation,
    read_layers,
    weight_and_bias,
    write_activation,
    write_layers,
)


def size(vocab_size: int, layers: int, width: int, heads: int) -> EncoderConfig:
    """A published size: two rows of the position table are for padding, which packed batches have none of."""
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


def read_offset(pad_token_id: object) -> object:
    """Positions are counted from the padding token's id on."""
    return pad_token_id + 1 if isinstance(pad_token_id, int) else pad_token_id


def write_offset(offset: object) -> object:
    """The padding token's id that gives this offset."""
    return offset - 1 if isinstance(offset, int) else offset


LAYER = "encoder.layer.{layer}"
CLASSIFIER = weight_and_bias("classifier", "classifier")

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
        Key("vocab_size", "vocab_size", 50265),
        Key("hidden_size", "width", 768),
        Key("num_hidden_layers", "layer_of_step", 12, read_layers, write_layers),
        Key("num_attention_heads", "heads", 12),
        Key("intermediate_size", "ffn_width", 3072),
        Key("max_position_embeddings", "positions.length", 512),
        Key("pad_token_id", "positions.offset", 1, read_offset, write_offset),
        Key("type_vocab_size", "segment_types", 2),
        Key("hidden_act", "activation", "gelu", read_activation, write_activation),
        Key("layer_norm_eps", "norm_eps", 1e-12),
        Key("hidden_dropout_prob", "hidden_dropout", 0.1),
        Key("attention_probs_dropout_prob", "attention_dropout", 0.1),
        Key("initializer_range", "initializer_range", 0.02),
    ),
    fixed={
        "position_embedding_type": "absolute",
        "is_decoder": False,
        "add_cross_attention": False,
        "tie_word_embeddings": True,
    },
    harmless=frozenset("use_cache classifier_dropout".split()),
    prefix="roberta.",
    encoder=(
        Weight("embeddings.token.weight", ("embeddings.word_embeddings.weight",)),
        Weight("embeddings.position.weight", ("embeddings.position_embeddings.weight",)),
        Weight("embeddings.segment.weight", ("embeddings.token_type_embeddings.weight",)),
        *weight_and_bias("embeddings.norm", "embeddings.LayerNorm"),
        *weight_and_bias(
            "layers.{layer}.attention.qkv",
            f"{LAYER}.attention.self.query",
            f"{LAYER}.attention.self.key",
            f"{LAYER}.attention.self.value",
        ),
        *weight_and_bias("layers.{layer}.attention.output", f"{LAYER}.attention.output.dense"),
        *weight_and_bias("layers.{layer}.attention_norm", f"{LAYER}.attention.output.LayerNorm"),
        *weight_and_bias("layers.{layer}.mlp.up", f"{LAYER}.intermediate.dense"),
        *weight_and_bias("layers.{layer}.mlp.down", f"{LAYER}.output.dense"),
        *weight_and_bias("layers.{layer}.mlp_norm", f"{LAYER}.output.LayerNorm"),
        *weight_and_bias("pooler.dense", "pooler.dense"),
    ),
    heads={
        "masked-lm": HeadShape(
            (
                *weight_and_bias("dense", "lm_head.dense"),
                *weight_and_bias("norm", "lm_head.layer_norm"),
                Weight("bias", ("lm_head.bias",), aliases=("lm_head.decoder.bias",)),
            ),
            activation="gelu",
        ),
        "text-classification": HeadShape(
            (*weight_and_bias("dense", "classifier.dense"), *weight_and_bias("classifier", "classifier.out_proj")),
            reads="first",
            activation="tanh",
        ),
        "token-classification": HeadShape(CLASSIFIER),
        "question-answering": HeadShape(weight_and_bias("classifier", "qa_outputs")),
        "multiple-choice": HeadShape(CLASSIFIER, reads="pooler"),
    },
    architectures={
        "ForMaskedLM": ("masked-lm",),
        "ForSequenceClassification": ("text-classification",),
        "ForTokenClassification": ("token-classification",),
        "ForQuestionAnswering": ("question-answering",),
        "ForMultipleChoice": ("multiple-choice",),
        "Model": (),
    },
    old_endings={"LayerNorm.gamma": "LayerNorm.weight", "LayerNorm.beta": "LayerNorm.bias"},
    ignored=("embeddings.position_ids", "embeddings.token_type_ids", "lm_head.decoder.weight"),
)
