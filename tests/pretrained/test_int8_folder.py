"""Folders of int8 weights: opened, refused where they are damaged, answered with, converted back."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor
from transformers import BertModel

import bertkit
from bertkit.compression.int8_form import int8_form
from bertkit.config.int8 import INPUTS, KEY, QUANTIZATION, SCALE
from bertkit.errors import BadCheckpoint, DeviceError
from bertkit.families.catalogue import FAMILIES
from bertkit.families.contract import Weight
from bertkit.inference.model import load
from bertkit.model.build import build_encoder
from bertkit.model.int8_machine import Int8Kernels
from bertkit.model.int8_parts import int8_weights
from bertkit.pretrained.convert import convert
from bertkit.pretrained.describe import describe
from bertkit.pretrained.int8_folder import Quantisation, quantised
from bertkit.pretrained.loading import load_encoder, open_pretrained
from bertkit.pretrained.saving import save_pretrained
from tests.parity.bert_peer import Sizes, make_peer
from tests.parity.task_peers import make_task_peer

TEXTS = ["paris is a city", "w1 w2 w3", "paris"]
QUERY = "bert.encoder.layer.0.attention.self.query.weight"
UP = "layers.0.mlp.up.weight"


@pytest.fixture
def plain(tmp_path: Path) -> Path:
    make_peer(Sizes(segment_types=2), tmp_path / "plain")
    return tmp_path / "plain"


@pytest.fixture
def int8(plain: Path) -> Path:
    return compressed(plain)


def compressed(plain: Path) -> Path:
    """Its int8 form in a folder; what one layer reads has fixed scales, and another layer is kept."""
    opened, folder = open_pretrained(plain), plain.parent / "int8"
    scales = {UP: torch.stack([torch.full((opened.config.width,), 0.05), torch.zeros(opened.config.width)])}
    form = int8_form(opened, scales, ["layers.1.mlp.down.weight"])
    save_pretrained(form, opened.load_tokenizer(), folder)
    return folder


def vectors(folder: Path, **options: str) -> np.ndarray:
    return load(folder, task="sentence-embedding", **options).encode(TEXTS)


def test_it_answers_in_int8_and_as_floats_nearly_as_the_model_did(plain: Path, int8: Path) -> None:
    model = load(int8, task="sentence-embedding")
    assert model.dtype == "int8"
    assert model.predict("paris").record()["dtype"] == "int8"
    expected = vectors(plain, dtype="float32")
    cosine = torch.cosine_similarity(torch.tensor(model.encode(TEXTS)), torch.tensor(expected))
    assert cosine.min() > 0.99
    as_float = torch.cosine_similarity(torch.tensor(vectors(int8, dtype="float32")), torch.tensor(expected))
    assert as_float.min() > 0.99


def test_saved_from_python_it_is_the_same_folder(int8: Path, tmp_path: Path) -> None:
    load(int8, task="sentence-embedding").save(tmp_path / "again")
    before, after = (load_file(folder / "model.safetensors") for folder in (int8, tmp_path / "again"))
    assert before.keys() == after.keys()
    assert all(torch.equal(before[name], after[name]) for name in before)
    assert before[QUERY].dtype == torch.int8
    assert {QUERY + SCALE, QUERY.replace("attention.self.query", "intermediate.dense") + INPUTS} <= before.keys()
    assert json.loads((tmp_path / "again/config.json").read_text())[KEY] == {"schema_version": 1}


def test_transformers_does_not_take_whole_numbers_for_weights(int8: Path) -> None:
    with pytest.raises(ValueError, match="no `quant_method` attribute"):
        BertModel.from_pretrained(int8)


def test_converted_it_is_floating_point_that_transformers_opens(int8: Path, tmp_path: Path) -> None:
    convert(int8, tmp_path / "float", "hub", {})
    peer, report = BertModel.from_pretrained(tmp_path / "float", output_loading_info=True)
    assert not report["missing_keys"]
    assert KEY not in json.loads((tmp_path / "float/config.json").read_text())
    expected = load_encoder(int8).embeddings.token.weight
    assert torch.equal(peer.embeddings.word_embeddings.weight, expected)
    assert np.array_equal(vectors(tmp_path / "float", dtype="float32"), vectors(int8, dtype="float32"))


def test_it_is_explained_in_float32(int8: Path) -> None:
    model = load(int8, task="fill-mask")
    assert model.dtype == "int8"
    (explained,) = model.explain(["paris is a [MASK]"])
    assert explained.result.record()["dtype"] == "float32"


def test_a_classifier_keeps_its_last_layer(tmp_path: Path) -> None:
    make_task_peer("text-classification", tmp_path / "plain")
    folder = compressed(tmp_path / "plain")
    assert load_file(folder / "model.safetensors")["classifier.weight"].dtype == torch.float32
    before, after = (
        load(one, task="text-classification", dtype=dtype).predict_proba(TEXTS)
        for one, dtype in ((tmp_path / "plain", "float32"), (folder, "auto"))
    )
    assert np.abs(before - after).max() < 0.05


def test_the_machine_is_said_by_info(int8: Path) -> None:
    said = describe(int8).int8
    assert said is not None
    assert (said["fixed_scales"], said["kept"]) == (1, ["layers.1.mlp.down.weight"])
    assert describe(int8).dtype == ("bfloat16", "float16", "float32", "int8")
    assert describe(int8).unused_tensors == ()
    assert describe(int8).unread_keys == ()


def changed(change: Callable[[dict[str, Tensor]], object]) -> Callable[[Path], None]:
    def write(folder: Path) -> None:
        tensors = {name: tensor.clone() for name, tensor in load_file(folder / "model.safetensors").items()}
        change(tensors)
        save_file(tensors, folder / "model.safetensors", {"format": "pt"})

    return write


UP_INPUTS = "bert.encoder.layer.0.intermediate.dense.weight" + INPUTS
DAMAGES: dict[str, tuple[Callable[[dict[str, Tensor]], object], str]] = {
    "no scale": (lambda t: t.pop(QUERY + SCALE), r"no tensor .*query\.weight_scale"),
    "a scale too few": (lambda t: t.update({QUERY + SCALE: torch.ones(3)}), r"query\.weight_scale has shape \(3,\)"),
    "a whole scale": (
        lambda t: t.update({QUERY + SCALE: torch.ones(33, dtype=torch.int32)}),
        r"query\.weight_scale is of int32",
    ),
    "a scale of floats": (lambda t: t.update({QUERY: t[QUERY].float()}), r"goes with .*query\.weight, which is not"),
    "one of three": (
        lambda t: (t.update({QUERY: t[QUERY].float()}), t.pop(QUERY + SCALE)),
        r"key\.weight is of int8, not of floating point",
    ),
    "negative": (lambda t: t[UP_INPUTS].neg_(), r"holds a scale that is not a positive number"),
    "not finite": (lambda t: t[UP_INPUTS].fill_(torch.nan), r"holds a scale that is not a positive number"),
    "no number": (
        lambda t: t[QUERY + SCALE].fill_(torch.nan),
        r"query\.weight_scale holds a scale that is not a positive number",
    ),
    "no middle": (lambda t: t[UP_INPUTS][1].fill_(torch.inf), r"weight_inputs is not finite"),
    "other columns": (lambda t: t.update({UP_INPUTS: torch.ones(2, 5)}), r"has shape \(2, 5\), not \(2, columns\)"),
    "no rows": (
        lambda t: t.update({QUERY: t[QUERY].flatten()}),
        r"query\.weight is int8 and has shape \(1089,\), no rows",
    ),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_folder_is_refused_by_name(damage: str, int8: Path) -> None:
    change, message = DAMAGES[damage]
    changed(change)(int8)
    with pytest.raises(BadCheckpoint, match=message):
        load(int8, task="sentence-embedding")


def test_int8_without_the_word_of_bertkit_is_refused_as_before(int8: Path) -> None:
    values = json.loads((int8 / "config.json").read_text())
    del values[KEY], values[QUANTIZATION]
    (int8 / "config.json").write_text(json.dumps(values))
    with pytest.raises(BadCheckpoint, match="is of int8, not of floating point"):
        load(int8, task="sentence-embedding")


def test_a_float_model_is_made_int8_as_it_is_loaded(plain: Path) -> None:
    model = load(plain, task="sentence-embedding", dtype="int8")
    assert model.dtype == "int8"
    expected = torch.tensor(vectors(plain, dtype="float32"))
    assert torch.cosine_similarity(torch.tensor(model.encode(TEXTS)), expected).min() > 0.99
    assert load(plain, task="sentence-embedding").dtype != "int8"


def test_int8_is_of_cpus(plain: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bertkit.inference.torch_backend.choose_device", lambda name: torch.device("meta"))
    with pytest.raises(DeviceError, match="int8 is computed on CPUs, not on meta"):
        load(plain, task="sentence-embedding", dtype="int8")
    with pytest.raises(DeviceError, match="explanations are computed in float32, not in int8"):
        load(plain, task="fill-mask", dtype="int8", explainable=True)


def test_where_int8_does_not_pay_float32_is_computed(
    int8: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("bertkit.inference.precision.int8_kernels", lambda: Int8Kernels(7, 0.4))
    model = load(int8, task="sentence-embedding")
    assert model.dtype == "float32"
    assert "up to 0.4 times as fast as float32; float32 is computed" in caplog.text
    assert np.array_equal(model.encode(TEXTS), vectors(int8, dtype="float32"))


def test_the_embedded_model_is_a_quarter_of_its_size(tmp_path: Path) -> None:
    opened = open_pretrained(bertkit.load().source)
    save_pretrained(int8_form(opened), opened.load_tokenizer(), tmp_path / "int8")
    assert sum(file.stat().st_size for file in (tmp_path / "int8").rglob("*")) < 25e6
    texts = ["A cat sleeps on the warm stove.", "Prices fell sharply on Tuesday, analysts said."]
    expected, found = (
        torch.tensor(load(one, dtype=d).encode(texts)) for one, d in ((None, "float32"), (tmp_path / "int8", "auto"))
    )
    assert torch.cosine_similarity(found, expected).min() > 0.99


def test_bert_base_is_a_quarter_of_its_size() -> None:
    with torch.device("meta"):
        encoder = build_encoder(FAMILIES["bert"].presets["base"])
    tables = {name: isinstance(part, torch.nn.Embedding) for name, part in int8_weights(encoder).items()}
    how = {name: Quantisation(torch.float16 if table else torch.float32) for name, table in tables.items()}
    tensors = encoder.state_dict()
    stored = quantised([Weight(name, (name,)) for name in tensors], tensors, how)
    size, product = sum(tensor.nbytes for tensor in stored.values()), tensors["layers.0.mlp.down.weight"].numel()
    assert size < 113e6
    assert size + 3 * product < 120e6  # three products in bfloat16
