"""BERT (Devlin et al. 2018, https://arxiv.org/abs/1810.04805) and its smaller sizes (Turc et al. 2019)."""

from __future__ import annotations

from bertkit.config.encoder import EncoderConfig
from bertkit.families.contract import (
    Family,
    HeadShape,
    Key,
    TensorFlowLayout,
    TensorFlowName,
    Weight,
    dense_names,
    norm_names,
    output_names,
    read_activation,
    read_layers,
    weight_and_bias,
    write_activation,
    write_layers,
)


def size(layers: int, width: int, heads: int) -> EncoderConfig:
    """A published size: the feed-forward layer is four times the width."""
    return EncoderConfig(width=width, heads=heads, ffn_width=4 * width, layer_of_step=tuple(range(layers)))


LAYER = "encoder.layer.{layer}"
THEIR_LAYER = "bert/encoder/layer_{layer}"

# What https://github.com/google-research/bert calls its variables, those of its fine-tuning programs included.
TENSORFLOW = TensorFlowLayout(
    config_name="bert_config.json",
    constants=frozenset({"layer_norm_eps"}),
    names=(
        TensorFlowName("embeddings.word_embeddings.weight", "bert/embeddings/word_embeddings"),
        TensorFlowName("embeddings.position_embeddings.weight", "bert/embeddings/position_embeddings"),
        TensorFlowName("embeddings.token_type_embeddings.weight", "bert/embeddings/token_type_embeddings"),
        *norm_names("embeddings.LayerNorm", "bert/embeddings/LayerNorm"),
        *dense_names(f"{LAYER}.attention.self.query", f"{THEIR_LAYER}/attention/self/query"),
        *dense_names(f"{LAYER}.attention.self.key", f"{THEIR_LAYER}/attention/self/key"),
        *dense_names(f"{LAYER}.attention.self.value", f"{THEIR_LAYER}/attention/self/value"),
        *dense_names(f"{LAYER}.attention.output.dense", f"{THEIR_LAYER}/attention/output/dense"),
        *norm_names(f"{LAYER}.attention.output.LayerNorm", f"{THEIR_LAYER}/attention/output/LayerNorm"),
        *dense_names(f"{LAYER}.intermediate.dense", f"{THEIR_LAYER}/intermediate/dense"),
        *dense_names(f"{LAYER}.output.dense", f"{THEIR_LAYER}/output/dense"),
        *norm_names(f"{LAYER}.output.LayerNorm", f"{THEIR_LAYER}/output/LayerNorm"),
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
CLASSIFIER = weight_and_bias("classifier", "classifier")

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
    keys=(
        Key("vocab_size", "vocab_size", 30522),
        Key("hidden_size", "width", 768),
        Key("num_hidden_layers", "layer_of_step", 12, read_layers, write_layers),
        Key("num_attention_heads", "heads", 12),
        Key("intermediate_size", "ffn_width", 3072),
        Key("max_position_embeddings", "positions.length", 512),
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
    harmless=frozenset(
        """
        directionality pooler_fc_size pooler_num_attention_heads pooler_num_fc_layers pooler_size_per_head pooler_type
        use_cache cross_attention_hidden_size classifier_dropout
        """.split()
    ),
    prefix="bert.",
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
                *weight_and_bias("dense", "cls.predictions.transform.dense"),
                *weight_and_bias("norm", "cls.predictions.transform.LayerNorm"),
                Weight("bias", ("cls.predictions.bias",), aliases=("cls.predictions.decoder.bias",)),
            )
        ),
        "next-sentence": HeadShape(weight_and_bias("classifier", "cls.seq_relationship"), reads="pooler"),
        "text-classification": HeadShape(CLASSIFIER, reads="pooler"),
        "token-classification": HeadShape(CLASSIFIER),
        "question-answering": HeadShape(weight_and_bias("classifier", "qa_outputs")),
        "multiple-choice": HeadShape(CLASSIFIER, reads="pooler"),
    },
    architectures={
        "ForPreTraining": ("masked-lm", "next-sentence"),
        "ForMaskedLM": ("masked-lm",),
        "ForNextSentencePrediction": ("next-sentence",),
        "ForSequenceClassification": ("text-classification",),
        "ForTokenClassification": ("token-classification",),
        "ForQuestionAnswering": ("question-answering",),
        "ForMultipleChoice": ("multiple-choice",),
        "Model": (),
    },
    old_endings={"LayerNorm.gamma": "LayerNorm.weight", "LayerNorm.beta": "LayerNorm.bias"},
    ignored=("embeddings.position_ids", "embeddings.token_type_ids", "cls.predictions.decoder.weight"),
    tensorflow=TENSORFLOW,
)
