from __future__ import annotations

import re
from dataclasses import replace

import pytest
import torch

from bertkit.checkpoints.stored import StoredTensors
from bertkit.errors import UserError
from bertkit.families import albert, electra
from bertkit.families.bert import FAMILY
from bertkit.families.catalogue import FAMILIES
from bertkit.families.contract import Family, TensorFlowLayout, TensorFlowName, dense_names, norm_names, output_names
from bertkit.pretrained.name_table import NameTable
from bertkit.pretrained.tensorflow_names import from_tensorflow, to_tensorflow

LAYER = "bert/encoder/layer_11"
# Each kind of variable of Google's published checkpoints, and what the hub calls it.
PUBLISHED = {
    "bert/embeddings/word_embeddings": "embeddings.word_embeddings.weight",
    "bert/embeddings/LayerNorm/gamma": "embeddings.LayerNorm.weight",
    f"{LAYER}/attention/self/query/kernel": "encoder.layer.11.attention.self.query.weight",
    f"{LAYER}/attention/output/LayerNorm/beta": "encoder.layer.11.attention.output.LayerNorm.bias",
    f"{LAYER}/output/dense/bias": "encoder.layer.11.output.dense.bias",
    "bert/pooler/dense/kernel": "pooler.dense.weight",
    "cls/predictions/transform/dense/kernel": "cls.predictions.transform.dense.weight",
    "cls/predictions/output_bias": "cls.predictions.bias",
    "cls/seq_relationship/output_weights": "cls.seq_relationship.weight",
    "output_weights": "classifier.weight",
    "cls/squad/output_bias": "qa_outputs.bias",
}
INNER, HUB_INNER = "bert/encoder/transformer/group_2/inner_group_1", "encoder.albert_layer_groups.2.albert_layers.1"
ALBERT = {
    "bert/embeddings/word_embeddings": "embeddings.word_embeddings.weight",
    "bert/embeddings/LayerNorm/beta": "embeddings.LayerNorm.bias",
    "bert/encoder/embedding_hidden_mapping_in/kernel": "encoder.embedding_hidden_mapping_in.weight",
    f"{INNER}/attention_1/self/key/kernel": f"{HUB_INNER}.attention.key.weight",
    f"{INNER}/attention_1/output/dense/bias": f"{HUB_INNER}.attention.dense.bias",
    f"{INNER}/LayerNorm/gamma": f"{HUB_INNER}.attention.LayerNorm.weight",
    f"{INNER}/ffn_1/intermediate/dense/kernel": f"{HUB_INNER}.ffn.weight",
    f"{INNER}/ffn_1/intermediate/output/dense/kernel": f"{HUB_INNER}.ffn_output.weight",
    f"{INNER}/LayerNorm_1/gamma": f"{HUB_INNER}.full_layer_layer_norm.weight",
    "bert/pooler/dense/kernel": "pooler.weight",
    "cls/predictions/transform/dense/kernel": "predictions.dense.weight",
    "cls/predictions/transform/LayerNorm/beta": "predictions.LayerNorm.bias",
    "cls/predictions/output_bias": "predictions.bias",
    "cls/seq_relationship/output_weights": "sop_classifier.classifier.weight",
    "output_weights": "classifier.weight",
    "cls/squad/output_weights": "qa_outputs.weight",
}
SHARED = {
    "electra/embeddings/word_embeddings": "embeddings.word_embeddings.weight",
    "electra/embeddings/LayerNorm/gamma": "embeddings.LayerNorm.weight",
}
DISCRIMINATOR = {
    "electra/embeddings_project/kernel": "embeddings_project.weight",
    "electra/encoder/layer_11/attention/self/value/kernel": "encoder.layer.11.attention.self.value.weight",
    "electra/encoder/layer_11/output/LayerNorm/beta": "encoder.layer.11.output.LayerNorm.bias",
    "discriminator_predictions/dense/kernel": "discriminator_predictions.dense.weight",
    "discriminator_predictions/dense_1/kernel": "discriminator_predictions.dense_prediction.weight",
}
GENERATOR = {
    "generator/embeddings_project/kernel": "embeddings_project.weight",
    "generator/encoder/layer_11/attention/self/value/kernel": "encoder.layer.11.attention.self.value.weight",
    "generator_predictions/dense/kernel": "generator_predictions.dense.weight",
    "generator_predictions/LayerNorm/gamma": "generator_predictions.LayerNorm.weight",
    "generator_predictions/output_bias": "generator_lm_head.bias",
}


@pytest.mark.parametrize(
    ("family", "ending", "published"),
    [
        pytest.param(FAMILY, "", PUBLISHED, id="bert"),
        pytest.param(albert.FAMILY, "ForPreTraining", ALBERT, id="albert"),
        pytest.param(electra.FAMILY, "", SHARED | DISCRIMINATOR, id="discriminator"),
        pytest.param(electra.FAMILY, "ForMaskedLM", SHARED | GENERATOR, id="generator"),
    ],
)
def test_published_names_both_ways(family: Family, ending: str, published: dict[str, str]) -> None:
    theirs = {name: torch.randn(2, 3) for name in published}
    hub = from_tensorflow(family, StoredTensors.of(theirs), "here", ending)
    assert list(hub) == list(published.values())
    for name, tensor in theirs.items():
        assert torch.equal(hub[published[name]], tensor.T if name.endswith("kernel") else tensor), name
    back, left_out = to_tensorflow(family, hub, "here", ending)
    assert left_out == ()
    assert list(back) == list(theirs)
    assert all(torch.equal(back[name], theirs[name]) for name in theirs)


def test_nothing_is_copied() -> None:
    kernel = torch.randn(2, 3)
    (weight,) = from_tensorflow(FAMILY, StoredTensors.of({"bert/pooler/dense/kernel": kernel}), "here").values()
    assert weight.data_ptr() == kernel.data_ptr()


@pytest.mark.parametrize(("ending", "own"), [("ForPreTraining", DISCRIMINATOR), ("ForMaskedLM", GENERATOR)])
def test_one_of_two_models_in_a_checkpoint(ending: str, own: dict[str, str]) -> None:
    names = sorted([*SHARED, *DISCRIMINATOR, *GENERATOR, "task_specific/cola/dense/kernel"])
    both = {name: torch.randn(2, 3) for name in names}
    hub = from_tensorflow(electra.FAMILY, StoredTensors.of(both), "here", ending)
    assert hub.keys() == {*SHARED.values(), *own.values(), "task_specific/cola/dense/kernel"}
    for name, ours in own.items():
        assert torch.equal(hub[ours], both[name].T if name.endswith("kernel") else both[name]), name


def test_a_generator_with_embeddings_of_its_own() -> None:
    both = {f"{scope}/embeddings/word_embeddings": torch.randn(2, 3) for scope in ("electra", "generator")}
    for ending, scope in (("ForMaskedLM", "generator"), ("ForPreTraining", "electra")):
        (table,) = from_tensorflow(electra.FAMILY, StoredTensors.of(both), "here", ending).values()
        assert torch.equal(table, both[f"{scope}/embeddings/word_embeddings"])


def test_a_later_name_of_the_discriminators_last_layer() -> None:
    theirs = {"discriminator_predictions/dense_prediction/bias": torch.ones(1)}
    assert list(from_tensorflow(electra.FAMILY, StoredTensors.of(theirs), "")) == [
        "discriminator_predictions.dense_prediction.bias"
    ]


@pytest.mark.parametrize(
    ("family", "ending"),
    [
        pytest.param(family, ending, id=f"{family.name}-{ending}")
        for family in FAMILIES.values()
        if family.tensorflow is not None
        for ending in family.architectures
        # Fine-tuned heads of ELECTRA are other heads in Google's program.
        if family.name != "electra" or ending in ("ForPreTraining", "ForMaskedLM", "Model")
    ],
)
def test_every_tensor_of_a_family_has_a_name(family: Family, ending: str) -> None:
    tables = (family.encoder, *(family.heads[head].weights for head in family.architectures[ending]))
    places = tuple(family.layer_place(layer, {}) for layer in range(2))
    config = next(iter(family.presets.values()))
    rows = [row for table in tables for row in NameTable(table, config, places)]
    hub = {name: torch.full((2, 3), float(n)) for n, name in enumerate({name for row in rows for name in row.theirs})}
    theirs, left_out = to_tensorflow(family, StoredTensors.of(hub), "here", ending)
    assert left_out == ()
    back = from_tensorflow(family, theirs, "here", ending)
    assert back.keys() == hub.keys()
    assert all(torch.equal(back[name], hub[name]) for name in hub)


def test_a_copy_under_another_name_is_the_same_tensor() -> None:
    bias = torch.randn(5)
    theirs, left_out = to_tensorflow(FAMILY, StoredTensors.of({"cls.predictions.decoder.bias": bias}), "here")
    assert (list(theirs), left_out) == (["cls/predictions/output_bias"], ())
    assert list(from_tensorflow(FAMILY, theirs, "here")) == ["cls.predictions.bias"]


def test_a_table_may_count_more_than_layers() -> None:
    hub = "encoder.groups.{group}.layers.{inner}"
    theirs = "bert/encoder/transformer/group_{group}/inner_group_{inner}"
    rows = (
        *dense_names(f"{hub}.attention.query", f"{theirs}/attention_1/self/query"),
        *norm_names(f"{hub}.norm", f"{theirs}/LayerNorm_1"),
        *output_names("sop", "cls/seq_relationship/"),
        TensorFlowName("words", "bert/embeddings/word_embeddings"),
    )
    family = replace(FAMILY, tensorflow=TensorFlowLayout("albert_config.json", frozenset(), rows))
    before = {
        "encoder.groups.3.layers.12.attention.query.weight": torch.randn(2, 3),
        "encoder.groups.3.layers.12.norm.bias": torch.randn(3),
        "sop.weight": torch.randn(2, 3),
        "words": torch.randn(2, 3),
    }
    named, left_out = to_tensorflow(family, StoredTensors.of(before), "here")
    place = "bert/encoder/transformer/group_3/inner_group_12"
    assert left_out == ()
    assert [(name, tuple(tensor.shape)) for name, tensor in named.items()] == [
        (f"{place}/attention_1/self/query/kernel", (3, 2)),
        (f"{place}/LayerNorm_1/beta", (3,)),
        ("cls/seq_relationship/output_weights", (2, 3)),
        ("bert/embeddings/word_embeddings", (2, 3)),
    ]
    after = from_tensorflow(family, named, "here")
    assert all(torch.equal(after[name], before[name]) for name in before)


def test_names_that_the_table_lacks() -> None:
    odd = {"bert/encoder/layer_x/output/dense/bias": torch.ones(1), "bert/adapter": torch.ones(2)}
    assert from_tensorflow(FAMILY, StoredTensors.of(odd), "here").keys() == odd.keys()
    hub = StoredTensors.of({"adapter.weight": torch.ones(1), "pooler.dense.bias": torch.ones(1)})
    theirs, left_out = to_tensorflow(FAMILY, hub, "")
    assert (list(theirs), left_out) == (["bert/pooler/dense/bias"], ("adapter.weight",))


def test_names_of_the_hub_are_left_alone() -> None:
    hub = StoredTensors.of({"bert.pooler.dense.weight": torch.ones(1), "output_bias": torch.ones(1)})
    assert from_tensorflow(replace(FAMILY, tensorflow=None), hub, "here") is hub


def test_a_family_without_a_table() -> None:
    family = replace(FAMILY, name="other", tensorflow=None)
    for rename, name in ((from_tensorflow, "bert/pooler/dense/bias"), (to_tensorflow, "pooler.dense.bias")):
        with pytest.raises(UserError, match=re.escape("here: bertkit has no TensorFlow names for the family other")):
            rename(family, StoredTensors.of({name: torch.ones(1)}), "here")
