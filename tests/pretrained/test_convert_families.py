"""ALBERT and ELECTRA through Google's layout and back."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor

from bertkit.checkpoints.tensor_bundle import read_bundle, write_bundle
from bertkit.errors import ModelNotFound, UserError
from bertkit.pretrained.convert import Conversion, Layout, convert
from bertkit.pretrained.loading import open_pretrained
from tests.parity.bert_peer import PIECES
from tests.parity.test_families import ALBERT, ELECTRA, HEADS, Case, make_peer, our_logits, sequences_of, their_logits
from tests.tokenization.conftest import write_folder
from tests.tokenization.foreign import write_model
from tests.tokenization.test_unigram import ALBERT as SENTENCEPIECE

GROUPS = ALBERT.variant(num_hidden_layers=4, num_hidden_groups=2, inner_group_num=3)
SAME_WIDTH = ELECTRA.variant(embedding_size=36)
ROUND_TRIPS = [
    pytest.param(case, head, id=f"{name}-{head}")
    for name, case, heads in (
        ("albert", ALBERT, ("masked-lm", "sentence-order", "token-classification", "question-answering")),
        ("albert, 2 groups of 3", GROUPS, ("masked-lm", "text-classification")),
        ("electra", ELECTRA, ("masked-lm", "replaced-token-detection")),
        ("electra, same width", SAME_WIDTH, ("masked-lm", "replaced-token-detection")),
    )
    for head in heads
]


def make_folder(case: Case, ending: str, folder: Path) -> Any:
    """A model of transformers with a tokenizer of its family's kind."""
    peer = make_peer(case, ending, folder)
    if case.prefix == "Albert":
        write_model(folder, "spiece.model", SENTENCEPIECE)
    else:
        write_folder(folder, PIECES)
    return peer


def to(source: Path, layout: Layout, name: str) -> Path:
    convert(source, source.parent / name, layout, {})
    return source.parent / name


def files(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.name != "README.md"}


def assert_same(one: dict[str, Tensor], other: dict[str, Tensor]) -> None:
    assert one.keys() == other.keys()
    assert all(torch.equal(one[name], other[name]) for name in one)


@pytest.mark.parametrize(("case", "head"), ROUND_TRIPS)
@torch.inference_mode()
def test_hub_to_tensorflow_to_hub(case: Case, head: str, tmp_path: Path) -> None:
    ending, output = HEADS[head]
    peer = make_folder(case, ending, tmp_path / "theirs")
    there = to(tmp_path / "theirs", "tf", "tf")
    back = to(there, "hub", "back")
    assert files(back) == files(to(tmp_path / "theirs", "hub", "direct"))
    assert_same(load_file(back / "model.safetensors"), load_file(tmp_path / "theirs/model.safetensors"))
    assert open_pretrained(there).config == open_pretrained(tmp_path / "theirs").config
    sequences = sequences_of(case)
    expected = their_logits(peer, case, sequences, ending, output)
    for folder in (there, back):
        pretrained = open_pretrained(folder)
        assert head in pretrained.heads
        logits = our_logits(pretrained, head, sequences.packed(), packed_weights=False)
        torch.testing.assert_close(logits.reshape(expected.shape), expected, atol=1e-5, rtol=1e-5)


def test_albert_as_google_shipped_it(tmp_path: Path) -> None:
    make_folder(ALBERT.variant(layer_norm_eps=1e-12), "ForPreTraining", tmp_path / "hub")
    there = to(tmp_path / "hub", "tf", "tf")
    assert '"hidden_act": "gelu",' in (there / "albert_config.json").read_text()
    for path in there.iterdir():
        if "ckpt" in path.name:
            path.rename(there / path.name.replace("bert_model.ckpt", "model.ckpt-best"))
        elif path.name not in ("albert_config.json", "spiece.model"):
            path.unlink()
    (there / "spiece.model").rename(there / "30k-clean.model")
    again = to(to(there, "hub", "back"), "hub", "again")
    assert_same(load_file(again / "model.safetensors"), load_file(tmp_path / "hub/model.safetensors"))
    assert open_pretrained(again).config == open_pretrained(tmp_path / "hub").config
    assert open_pretrained(again).load_tokenizer().specials.mask == 4
    assert (to(there, "tf", "copy") / "30k-clean.model").read_bytes() == SENTENCEPIECE


def test_a_sentencepiece_tokenizer_without_its_model(tmp_path: Path) -> None:
    make_folder(ALBERT, "ForMaskedLM", tmp_path / "theirs")
    hub = to(tmp_path / "theirs", "hub", "hub")
    assert not (hub / "spiece.model").exists()
    with pytest.raises(UserError, match=r"Unigram tokenizer .* vocab\.txt, and there is no spiece\.model to copy"):
        to(hub, "tf", "tf")
    assert not (tmp_path / "tf").exists()


def test_a_gelu_that_googles_albert_does_not_have(tmp_path: Path) -> None:
    make_folder(ALBERT.variant(hidden_act="gelu"), "ForMaskedLM", tmp_path / "hub")
    with pytest.raises(UserError, match="hidden_act = 'gelu' means 'gelu_new' there"):
        to(tmp_path / "hub", "tf", "tf")
    assert not (tmp_path / "tf").exists()


@pytest.mark.parametrize("ending", ["ForPreTraining", "ForMaskedLM"])
def test_electra_as_google_shipped_it(ending: str, tmp_path: Path) -> None:
    """Both models in one checkpoint, of different sizes, and no configuration: that of the hub says which is read."""
    small = ELECTRA.variant(hidden_size=24, num_hidden_layers=2)
    cases = {"ForPreTraining": ELECTRA, "ForMaskedLM": small}
    for each, case in cases.items():
        make_folder(case, each, tmp_path / each)
        to(tmp_path / each, "tf", f"{each}-tf")
    discriminator, generator = (read_bundle(tmp_path / f"{each}-tf/bert_model.ckpt.index") for each in cases)
    release = write_folder(tmp_path / "release", PIECES)
    write_bundle(release / "electra_small.index", generator | discriminator)
    with pytest.raises(ModelNotFound, match=r"without a config\.json"):
        open_pretrained(release)
    (release / "config.json").write_bytes((tmp_path / ending / "config.json").read_bytes())
    after = load_file(to(release, "hub", "back") / "model.safetensors")
    before, shared = (load_file(tmp_path / each / "model.safetensors") for each in (ending, "ForPreTraining"))
    assert before.keys() == after.keys()
    for name in before:
        source = shared if ".embeddings." in name else before
        assert torch.equal(after[name], source[name]), name


def test_a_fine_tuned_head_of_electra_is_left_out(tmp_path: Path) -> None:
    make_folder(ELECTRA, "ForSequenceClassification", tmp_path / "hub")
    done: Conversion = convert(tmp_path / "hub", tmp_path / "tf", "tf", {})
    parts = [f"classifier.{part}" for part in ("dense", "out_proj")]
    assert set(done.left_out) == {f"{part}.{kind}" for part in parts for kind in ("weight", "bias")}
    assert open_pretrained(tmp_path / "tf").heads == ()
