from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from transformers import AutoModelForMaskedLM, AutoTokenizer, BertForPreTraining, BertModel

import bertkit
from bertkit.errors import OutputError
from tests.parity.bert_peer import Sequences, Sizes, make_peer

SIZES = Sizes()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    make_peer(SIZES, tmp_path / "model")
    return tmp_path / "model"


@torch.inference_mode()
def test_transformers_opens_what_is_saved(folder: Path, tmp_path: Path) -> None:
    bertkit.load(folder, dtype="bfloat16").save(tmp_path / "copy")
    original = BertForPreTraining.from_pretrained(folder).eval()
    copy, report = BertForPreTraining.from_pretrained(tmp_path / "copy", output_loading_info=True)
    assert not any(report.values())
    inputs = Sequences.random([3, 9, 1], SIZES).padded()
    before, after = original(**inputs), copy.eval()(**inputs)
    assert torch.equal(before.prediction_logits, after.prediction_logits)
    assert torch.equal(before.seq_relationship_logits, after.seq_relationship_logits)
    assert AutoModelForMaskedLM.from_pretrained(tmp_path / "copy").config.num_hidden_layers == SIZES.layers
    assert AutoTokenizer.from_pretrained(tmp_path / "copy")("paris is a citys").input_ids == [2, 5, 6, 7, 8, 9, 3]


def test_saved_tensors_are_the_same_bits(folder: Path, tmp_path: Path) -> None:
    bertkit.load(folder).save(tmp_path / "copy")
    before, after = load_file(folder / "model.safetensors"), load_file(tmp_path / "copy" / "model.safetensors")
    assert set(after) == set(before)
    assert all(torch.equal(before[name], after[name]) for name in before)


def test_an_encoder_without_heads_stays_one(folder: Path, tmp_path: Path) -> None:
    BertModel.from_pretrained(folder).save_pretrained(folder)
    bertkit.load(folder).save(tmp_path / "copy")
    _, report = BertModel.from_pretrained(tmp_path / "copy", output_loading_info=True)
    assert not any(report.values())


def test_nothing_is_overwritten(folder: Path) -> None:
    with pytest.raises(OutputError):
        bertkit.load(folder).save(folder)
