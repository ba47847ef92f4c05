from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from sentence_transformers import SentenceTransformer
from torch import Tensor
from transformers import BertForPreTraining, BertForSequenceClassification, BertForTokenClassification

import bertkit
from bertkit.checkpoints.tensor_bundle import read_bundle, write_bundle
from bertkit.config.pooling import Pooling
from bertkit.errors import BadCheckpoint, BertkitError, OutputError, UserError
from bertkit.families.bert import FAMILY
from bertkit.families.catalogue import FAMILIES
from bertkit.pretrained.convert import Layout, convert
from bertkit.pretrained.describe import describe
from bertkit.pretrained.loading import open_pretrained
from bertkit.pretrained.sentence_parts import VectorModules
from bertkit.pretrained.sentence_transformers import Prompts, Reads, SentenceSettings
from bertkit.pretrained.sentence_writing import write_settings
from bertkit.tokenization.tokenizer import Tokenizer
from tests.checkpoints.plain_bundle import read_plain_bundle
from tests.parity.bert_peer import Sequences, Sizes, make_peer

SIZES = Sizes()
TEXTS = ["paris is a city", "w1 w2 w3", "paris", "w5 w6 w7 w8 w9 w10 w11"]


@pytest.fixture
def hub(tmp_path: Path) -> Path:
    """What transformers wrote."""
    make_peer(SIZES, tmp_path / "hub")
    return tmp_path / "hub"


@pytest.fixture
def tf(hub: Path) -> Path:
    """The same model as Google would have shipped it: nothing but the four files."""
    to(hub, "tf")
    folder = hub.parent / "google"
    (hub.parent / "tf").rename(folder)
    for name in ("tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "checkpoint"):
        (folder / name).unlink()
    return folder


def to(source: Path, layout: Layout, name: str | None = None, **embeddings: object) -> Path:
    destination = source.parent / (name or layout)
    convert(source, destination, layout, embeddings)
    return destination


def files(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.name != "README.md"}


def settings_of(
    pooling: Pooling = "mean", normalize: bool = False, prompt: str = "", max_length: int | None = None
) -> SentenceSettings:
    prompts = Prompts({"default": prompt}, "default") if prompt else Prompts()
    return SentenceSettings(VectorModules((pooling,)), normalize, prompts, Reads(max_length))


def read_settings(folder: Path) -> SentenceSettings | None:
    return open_pretrained(folder).settings


def assert_same(one: Mapping[str, Tensor], other: Mapping[str, Tensor]) -> None:
    assert one.keys() == other.keys()
    assert all(torch.equal(one[name], other[name]) and one[name].dtype == other[name].dtype for name in one)


def test_what_is_written_for_tensorflow(hub: Path) -> None:
    folder = to(hub, "tf")
    theirs = read_plain_bundle(folder / "bert_model.ckpt.index")
    peer = BertForPreTraining.from_pretrained(hub).state_dict()
    layer, prefix = "bert/encoder/layer_1", "bert.encoder.layer.1"
    assert torch.equal(theirs[f"{layer}/intermediate/dense/kernel"], peer[f"{prefix}.intermediate.dense.weight"].T)
    assert torch.equal(theirs[f"{layer}/output/LayerNorm/gamma"], peer[f"{prefix}.output.LayerNorm.weight"])
    assert torch.equal(theirs["cls/seq_relationship/output_weights"], peer["cls.seq_relationship.weight"])
    assert torch.equal(theirs["cls/predictions/output_bias"], peer["cls.predictions.bias"])
    assert len(theirs) == 5 + 16 * SIZES.layers + 2 + 5 + 2
    config = json.loads((folder / "bert_config.json").read_text())
    assert (config["num_hidden_layers"], config["layer_norm_eps"]) == (2, 1e-7)
    assert not {"model_type", "architectures", "is_decoder"} & config.keys()
    assert (folder / "vocab.txt").read_text() == (hub / "vocab.txt").read_text()
    assert (folder / "checkpoint").read_text().splitlines()[0] == 'model_checkpoint_path: "bert_model.ckpt"'


def test_hub_to_tensorflow_to_hub(hub: Path) -> None:
    direct, there = to(hub, "hub", "direct"), to(hub, "tf")
    assert files(to(there, "hub", "back")) == files(direct)
    assert_same(load_file(direct / "model.safetensors"), load_file(hub / "model.safetensors"))
    _, report = BertForPreTraining.from_pretrained(hub.parent / "back", output_loading_info=True)
    assert not any(report.values())


def test_tensorflow_to_hub_to_tensorflow(tf: Path) -> None:
    before, after = files(tf), files(to(to(tf, "hub", "there"), "tf", "back"))
    assert {name: after[name] for name in before} == before


def test_the_card_goes_with_the_model(hub: Path) -> None:
    card = "---\nlicense: mit\n---\n# Mine, é\n".encode()
    (hub / "README.md").write_bytes(card)
    bertkit.load(hub).save(hub.parent / "saved")
    for folder in (hub.parent / "saved", to(hub, "tf"), to(hub.parent / "tf", "hub", "back")):
        assert (folder / "README.md").read_bytes() == card
    (hub / "README.md").unlink()
    assert not (to(hub, "tf", "bare") / "README.md").exists()
    assert "Written by bertkit" in (to(hub, "hub", "made") / "README.md").read_text()


def test_half_precision_stays(hub: Path) -> None:
    path = hub / "model.safetensors"
    save_file({name: tensor.bfloat16() for name, tensor in load_file(path).items()}, path)
    tensors = read_bundle(to(hub, "tf") / "bert_model.ckpt.index")
    assert {tensor.dtype for tensor in tensors.values()} == {torch.bfloat16}
    assert_same(load_file(to(hub.parent / "tf", "hub", "back") / "model.safetensors"), load_file(path))


@pytest.mark.parametrize(
    ("kind", "head"),
    [(BertForSequenceClassification, "text-classification"), (BertForTokenClassification, "token-classification")],
)
def test_a_head_that_tensors_do_not_tell_apart_stays_what_it_is(hub: Path, kind: Any, head: str) -> None:
    kind.from_pretrained(hub, num_labels=4).save_pretrained(hub)
    there = to(hub, "tf")
    assert read_bundle(there / "bert_model.ckpt.index")["output_weights"].shape == (4, SIZES.width)
    assert open_pretrained(there).heads == open_pretrained(hub).heads == (head,)
    assert files(to(there, "hub", "back")) == files(to(hub, "hub", "direct"))


@torch.inference_mode()
def test_both_layouts_compute_the_same(hub: Path, tf: Path) -> None:
    batch = Sequences.random([3, 9, 1], SIZES).packed()
    torch.testing.assert_close(bertkit.load_encoder(tf)(batch), bertkit.load_encoder(hub)(batch), atol=1e-5, rtol=1e-5)
    text = ["paris is a [MASK] w3"]
    (one,), (other,) = (bertkit.load(folder, task="fill-mask", dtype="float32").predict(text) for folder in (hub, tf))
    best, also = one.record()["fills"][0][0], other.record()["fills"][0][0]  # type: ignore[index]
    assert best["id"] == also["id"]
    assert best["score"] == pytest.approx(also["score"], rel=1e-4)


def test_a_description_names_the_files(tf: Path) -> None:
    write_bundle(
        tf / "bert_model.ckpt.index",
        read_bundle(tf / "bert_model.ckpt.index") | {"bert/odd": torch.ones(1), "global_step": torch.tensor(3)},
    )
    description = describe(tf)
    assert list(description.sha256) == ["bert_model.ckpt.index", "bert_model.ckpt.data-00000-of-00001"]
    assert description.weight_bytes == sum(path.stat().st_size for path in tf.glob("bert_model.ckpt.*"))
    assert description.unused_tensors == ("bert/odd",)
    assert description.tasks[0] == "fill-mask"


def test_the_newest_step_is_opened(tf: Path) -> None:
    tensors = read_bundle(tf / "bert_model.ckpt.index")
    for path in tf.glob("bert_model.ckpt.*"):
        path.unlink()
    write_bundle(tf / "model.ckpt-9.index", tensors)
    write_bundle(tf / "model.ckpt-10.index", {name: tensor + 1 for name, tensor in tensors.items()})
    bias = bertkit.load_encoder(tf).state_dict()["layers.0.mlp.up.bias"]
    assert torch.equal(bias, tensors["bert/encoder/layer_0/intermediate/dense/bias"] + 1)


def test_what_has_no_name_is_left_out_and_said(hub: Path) -> None:
    path = hub / "model.safetensors"
    save_file(load_file(path) | {"bert.adapter.weight": torch.ones(3)}, path)
    write_settings(hub, settings_of("cls", False, "", 5), SIZES.width)
    conversion = convert(hub, hub.parent / "tf", "tf", {})
    assert conversion.left_out == ("adapter.weight", "settings of sentence embeddings")
    sizes = {name: (hub.parent / "tf" / name).stat().st_size for name in conversion.files}
    assert conversion.files == sizes
    assert {"bert_config.json", "bert_model.ckpt.index", "vocab.txt", "checkpoint"} <= sizes.keys()
    assert json.dumps(conversion.record())


@pytest.mark.parametrize("given", [{}, {"pooling": "cls", "normalize": True, "max_length": 7}, {"pooling": "max"}])
@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")
def test_sentence_transformers_opens_what_is_written(tf: Path, given: dict[str, Any]) -> None:
    folder = to(tf, "sentence-transformers", **given)
    assert read_settings(folder) == settings_of(**given)
    peer = SentenceTransformer(str(folder), device="cpu")
    assert peer.max_seq_length == given.get("max_length", SIZES.positions)
    ours = bertkit.load(folder, dtype="float32", long="truncate").predict(TEXTS)
    np.testing.assert_allclose(np.stack([r.embedding for r in ours]), peer.encode(TEXTS), atol=1e-5, rtol=1e-4)


def test_settings_of_the_source_are_kept_unless_changed(hub: Path) -> None:
    settings = settings_of("cls", True, "query: ", 9)
    write_settings(hub, settings, SIZES.width)
    assert read_settings(to(hub, "hub", "a")) == settings
    assert read_settings(to(hub, "sentence-transformers", "b")) == settings
    changed = to(hub, "sentence-transformers", "c", pooling="max", normalize=False)
    assert read_settings(changed) == settings_of("max", False, "query: ", 9)


@pytest.mark.parametrize("layout", ["hub", "tf"])
def test_settings_for_another_layout_are_wrong_use(hub: Path, layout: Layout) -> None:
    with pytest.raises(UserError, match=f"--pooling, --max-length: the {layout} layout does not hold it"):
        to(hub, layout, "out", pooling="cls", max_length=4)
    assert not (hub.parent / "out").exists()


def test_a_length_beyond_the_model(hub: Path) -> None:
    with pytest.raises(UserError, match="a length of 24 tokens, the model reads at most 23"):
        to(hub, "sentence-transformers", max_length=24)


def test_a_family_without_tensorflow_names(hub: Path, tf: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tf / "bert_config.json").rename(tf / "config.json")
    (tf / "config.json").write_text(json.dumps({"model_type": "bert", **json.loads((tf / "config.json").read_text())}))
    monkeypatch.setitem(FAMILIES, "bert", replace(FAMILY, tensorflow=None))
    for source, layout in ((hub, "tf"), (tf, "hub")):
        with pytest.raises(UserError, match="bertkit has no TensorFlow names for the family bert"):
            to(source, layout, "out")  # type: ignore[arg-type]
    assert not (hub.parent / "out").exists()


def test_a_tokenizer_without_vocab_txt(hub: Path) -> None:
    Tokenizer.load(hub).save(hub)
    tokenizer = json.loads((hub / "tokenizer.json").read_text())
    del tokenizer["model"]["vocab"]["w1"]  # an id without a piece: there is no such line in a file
    (hub / "tokenizer.json").write_text(json.dumps(tokenizer))
    with pytest.raises(UserError, match=r"its WordPiece tokenizer cannot be written as a vocab\.txt"):
        to(hub, "tf")
    assert sorted(path.name for path in hub.parent.iterdir()) == ["hub"]


def damage_shape(tensors: dict[str, Tensor]) -> None:
    tensors["bert/encoder/layer_1/attention/self/key/kernel"] = torch.zeros(33, 31)


def drop_layer(tensors: dict[str, Tensor]) -> None:
    for name in [name for name in tensors if name.startswith("bert/encoder/layer_1/output/")]:
        del tensors[name]


BAD = {
    "shape": (damage_shape, r"tensor encoder\.layer\.1\.attention\.self\.key\.weight has shape \(31, 33\), the config"),
    "missing": (drop_layer, r"no tensor encoder\.layer\.1\.output\.dense\.weight and 3 more"),
}


@pytest.mark.parametrize(("damage", "says"), BAD.values(), ids=BAD)
@pytest.mark.parametrize("layout", ["hub", "tf", "sentence-transformers"])
def test_what_does_not_fit_is_not_written_again(tf: Path, layout: Layout, damage: Any, says: str) -> None:
    tensors = read_bundle(tf / "bert_model.ckpt.index")
    damage(tensors)
    write_bundle(tf / "bert_model.ckpt.index", tensors)
    with pytest.raises(BadCheckpoint, match=says):
        to(tf, layout, "out")
    assert not (tf.parent / "out").exists()


@pytest.mark.parametrize("layout", ["hub", "tf", "sentence-transformers"])
def test_nothing_is_overwritten(hub: Path, layout: Layout) -> None:
    before = files(hub)
    with pytest.raises(OutputError, match="is there already and not empty"):
        to(hub, layout, "hub")
    assert files(hub) == before


def test_a_folder_without_a_model(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(BertkitError, match=r"empty: no config\.json"):
        to(tmp_path / "empty", "hub")
