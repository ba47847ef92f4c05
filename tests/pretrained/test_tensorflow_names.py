from __future__ import annotations

import re
from dataclasses import replace

import pytest
import torch

from bertkit.errors import UserError
from bertkit.families.bert import FAMILY
from bertkit.families.catalogue import FAMILIES
from bertkit.families.contract import Family, TensorFlowLayout, TensorFlowName, dense_names, norm_names, output_names
from bertkit.pretrained.tensorflow_names import from_tensorflow, to_tensorflow
from bertkit.pretrained.weights import NameTable

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
KERNELS = {name for name in PUBLISHED if name.endswith("kernel")}


def test_published_names_both_ways() -> None:
    theirs = {name: torch.randn(2, 3) for name in PUBLISHED}
    hub = from_tensorflow(FAMILY, theirs, "here")
    assert list(hub) == list(PUBLISHED.values())
    for name, tensor in theirs.items():
        assert torch.equal(hub[PUBLISHED[name]], tensor.T if name in KERNELS else tensor), name
    back, left_out = to_tensorflow(FAMILY, hub, "here")
    assert left_out == ()
    assert list(back) == list(theirs)
    assert all(torch.equal(back[name], theirs[name]) for name in theirs)


def test_nothing_is_copied() -> None:
    kernel = torch.randn(2, 3)
    (weight,) = from_tensorflow(FAMILY, {"bert/pooler/dense/kernel": kernel}, "here").values()
    assert weight.data_ptr() == kernel.data_ptr()


@pytest.mark.parametrize(
    "family", [f for f in FAMILIES.values() if f.tensorflow is not None], ids=lambda f: str(f.name)
)
def test_every_tensor_of_a_family_has_a_name(family: Family) -> None:
    tables = (family.encoder, *(shape.weights for shape in family.heads.values()))
    places = tuple(family.layer_place(layer, {}) for layer in range(2))
    config = next(iter(family.presets.values()))
    rows = [row for table in tables for row in NameTable(table, config, places)]
    hub = {name: torch.full((2, 3), float(n)) for n, name in enumerate({name for row in rows for name in row.theirs})}
    theirs, left_out = to_tensorflow(family, hub, "here")
    assert left_out == ()
    back = from_tensorflow(family, theirs, "here")
    assert back.keys() == hub.keys()
    assert all(torch.equal(back[name], hub[name]) for name in hub)


def test_a_copy_under_another_name_is_the_same_tensor() -> None:
    bias = torch.randn(5)
    theirs, left_out = to_tensorflow(FAMILY, {"cls.predictions.decoder.bias": bias}, "here")
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
    named, left_out = to_tensorflow(family, before, "here")
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
    assert from_tensorflow(FAMILY, odd, "here").keys() == odd.keys()
    theirs, left_out = to_tensorflow(FAMILY, {"adapter.weight": torch.ones(1), "pooler.dense.bias": torch.ones(1)}, "")
    assert (list(theirs), left_out) == (["bert/pooler/dense/bias"], ("adapter.weight",))


def test_names_of_the_hub_are_left_alone() -> None:
    hub = {"bert.pooler.dense.weight": torch.ones(1), "output_bias": torch.ones(1)}
    assert from_tensorflow(replace(FAMILY, tensorflow=None), hub, "here") == hub


def test_a_family_without_a_table() -> None:
    family = replace(FAMILY, name="other", tensorflow=None)
    for rename, name in ((from_tensorflow, "bert/pooler/dense/bias"), (to_tensorflow, "pooler.dense.bias")):
        with pytest.raises(UserError, match=re.escape("here: bertkit has no TensorFlow names for the family other")):
            rename(family, {name: torch.ones(1)}, "here")
