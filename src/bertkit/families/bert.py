"""BERT (Devlin et al. 2018, https://arxiv.org/abs/1810.04805) and its smaller sizes (Turc et al. 2019)."""

from __future__ import annotations

from bertkit.config.encoder import EncoderConfig
from bertkit.families.contract import (
    Family,
    HeadShape,
    TensorFlowLayout,
    TensorFlowName,
    Weight,
    dense_names,
    norm_names,
    output_names,
    weight_and_bias,
)
from bertkit.families.harmless import DROPOUT, because
from bertkit.families.spelling import (
    ANSWER_SPAN,
    BERT_LAYER,
    BUFFERS,
    EMBEDDING_NORM,
    ENDINGS,
    OLD_NORMS,
    PLAIN_ENCODER,
    POOLED_CLASSIFIER,
    POOLER,
    POSITIONS,
    SEGMENTS,
    TIED,
    TOKEN_CLASSIFIER,
    TOKENS,
    bert_keys,
    embedding_names,
    layer_names,
)


def size(layers: int, width: int, heads: int) -> EncoderConfig:
    """A published size: the feed-forward layer is four times the width."""
    return EncoderConfig(width=width, heads=heads, ffn_width=4 * width, layer_of_step=tuple(range(layers)))


# What https://github.com/google-research/bert calls its variables, those of its fine-tuning programs included.
TENSORFLOW = TensorFlowLayout(
    config_name="bert_config.json",
    constants=frozenset({"layer_norm_eps"}),
    names=(
        *embedding_names("bert"),
        *layer_names("bert"),
        *dense_names("pooler.dense", "bert/pooler/dense"),
        *dense_names("cls.predictions.transform.dense", "cls/predictions/transform/dense"),
        *norm_names("cls.predictions.transform.LayerNorm", "cls/predictions/transform/LayerNorm"),
        TensorFlowName("cls.predictions.bias", "cls/predictions/output_bias"),
        TensorFlowName("cls.predictions.decoder.bias", "cls/predictions/output_bias"),
        *output_names("cls.seq_relationship", "cls/seq_relationship/"),
        *output_names("classifier", ""),
        *output_names("qa_outputs", "cls/squad/"),
    ),
)

FAMILY = Family(
    name="bert",
    class_names={"bert": "Bert"},
    changes="the original: learned positions, two segments, post-norm, GELU",
    presets={
        "tiny": size(2, 128, 2),
        "mini": size(4, 256, 4),
        "small": size(4, 512, 8),
        "medium": size(8, 512, 8),
        "base": size(12, 768, 12),
        "large": size(24, 1024, 16),
    },
    keys=bert_keys(),
    fixed=PLAIN_ENCODER,
    harmless=because(DROPOUT, "classifier_dropout")
    | because(
        "said of BERT's pooler, which is always the same",
        """
        directionality pooler_fc_size pooler_num_attention_heads pooler_num_fc_layers pooler_size_per_head pooler_type
        """,
    ),
    prefix="bert.",
    encoder=(TOKENS, POSITIONS, SEGMENTS, *EMBEDDING_NORM, *BERT_LAYER, *POOLER),
    heads={
        "masked-lm": HeadShape(
            (
                *weight_and_bias("dense", "cls.predictions.transform.dense"),
                *weight_and_bias("norm", "cls.predictions.transform.LayerNorm"),
                Weight("bias", ("cls.predictions.bias",), aliases=("cls.predictions.decoder.bias",)),
            ),
            fixed=TIED,
        ),
        "next-sentence": HeadShape(weight_and_bias("classifier", "cls.seq_relationship"), reads="pooler"),
        "text-classification": POOLED_CLASSIFIER,
        "token-classification": TOKEN_CLASSIFIER,
        "question-answering": ANSWER_SPAN,
        "multiple-choice": POOLED_CLASSIFIER,
    },
    architectures={
        "ForPreTraining": ("masked-lm", "next-sentence"),
        "ForNextSentencePrediction": ("next-sentence",),
        **ENDINGS,
    },
    old_endings=OLD_NORMS,
    ignored=(*BUFFERS, "cls.predictions.decoder.weight"),
    tensorflow=TENSORFLOW,
)
