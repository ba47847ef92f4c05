"""A temperature that is baked in: transformers then gives the scores that bertkit gave with the calibration."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Literal

import numpy as np
import pytest
import torch
from transformers import AutoConfig, AutoModelForSequenceClassification

import bertkit
from bertkit.errors import UserError
from bertkit.families.catalogue import FAMILIES
from bertkit.model.build import build_encoder
from bertkit.model.heads import build_head
from bertkit.model.init import initialise
from bertkit.pretrained.calibrated import CALIBRATION, read_calibration, write_calibration
from bertkit.pretrained.convert import convert
from bertkit.pretrained.direct_reading import HEAD, Reading, direct
from bertkit.pretrained.from_state import from_state
from bertkit.pretrained.loading import open_pretrained
from bertkit.pretrained.saving import save_pretrained
from bertkit.pretrained.task_metadata import TaskMetadata
from bertkit.tokenization.tokenizer import Tokenizer
from tests.parity.task_peers import change_config, make_task_peer
from tests.pretrained.test_calibrated import KNOWN, TEXTS, answers, by_name
from tests.pretrained.test_direct_reading import FAMILY_SIZES

SIZES = {"hidden_size": 36, "num_hidden_layers": 2, "num_attention_heads": 3, "intermediate_size": 40, "vocab_size": 99}
FAMILY_KEYS: dict[str, dict[str, object]] = {
    "bert": SIZES,
    "electra": SIZES | {"embedding_size": 20},
    "distilbert": {"dim": 36, "n_layers": 2, "n_heads": 3, "hidden_dim": 40, "vocab_size": 99},
}


def peer(folder: Path, family: str, *, dtype: torch.dtype = torch.float32) -> Path:
    """A random model of transformers with three labels, and a calibration."""
    make_task_peer("text-classification", folder)  # for its vocabulary
    torch.manual_seed(1)
    config = AutoConfig.for_model(family, num_labels=3, initializer_range=0.5, **FAMILY_KEYS[family])
    AutoModelForSequenceClassification.from_config(config).to(dtype).save_pretrained(folder)
    write_calibration(folder, KNOWN)
    return folder


@torch.inference_mode()
def their_scores(folder: Path, problem: Literal["single-label", "multi-label"] = "single-label") -> np.ndarray:
    """Softmax, or sigmoid, of the logits of transformers, by our tokens."""
    model = AutoModelForSequenceClassification.from_pretrained(folder, dtype=torch.float32).eval()
    tokenizer = bertkit.load(folder, dtype="float32").tokenizer
    single = tokenizer.template.single
    found = []
    for tokens in tokenizer.tokenize(TEXTS):
        logits_1C = model(torch.tensor([[*single.prefix.ids, *tokens.ids, *single.suffix.ids]])).logits
        found.append(torch.softmax(logits_1C, -1)[0] if problem == "single-label" else torch.sigmoid(logits_1C)[0])
    return torch.stack(found).numpy()


def our_scores(folder: Path) -> np.ndarray:
    model = bertkit.load(folder, dtype="float32")
    return np.array([by_name(model, result) for result in answers(model)])


@pytest.mark.parametrize("family", FAMILY_KEYS)
def test_transformers_gives_the_calibrated_scores(tmp_path: Path, family: str) -> None:
    folder, baked = peer(tmp_path / "model", family), tmp_path / "baked"
    expected = our_scores(folder)
    assert np.abs(their_scores(folder) - expected).max() > 0.05, "without it is something else"
    told = convert(folder, baked, "hub", {}, bake=True).record()
    assert told["baked_temperature"] == 2.5
    np.testing.assert_allclose(their_scores(baked), expected, atol=1e-5)
    np.testing.assert_allclose(our_scores(baked), expected, atol=1e-6)  # not divided twice
    assert read_calibration(baked) == KNOWN.model_copy(update={"temperature": 1.0})  # it abstains where it did


def test_several_labels(tmp_path: Path) -> None:
    folder, baked = peer(tmp_path / "model", "bert"), tmp_path / "baked"
    change_config(folder, problem_type="multi_label_classification")
    write_calibration(folder, KNOWN.model_copy(update={"problem": "multi-label", "abstain_below": None}))
    convert(folder, baked, "hub", {}, bake=True)
    np.testing.assert_allclose(their_scores(baked, "multi-label"), our_scores(folder), atol=1e-5)


@pytest.mark.parametrize("reads", ["mean", "first"])
@pytest.mark.parametrize("family_name", FAMILY_SIZES)
def test_a_classifier_that_reads_the_mean_or_the_first_token(tmp_path: Path, family_name: str, reads: Reading) -> None:
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *(f"w{number}" for number in range(56))]
    (tmp_path / "vocab.txt").write_text("\n".join(words) + "\n")
    tokenizer, family = Tokenizer.load(tmp_path), direct(FAMILIES[family_name], reads)
    config, random = FAMILY_SIZES[family_name], torch.Generator().manual_seed(7)
    encoder, head = build_encoder(config), build_head(family.heads[HEAD], config, 3)
    for part in (encoder, head):
        initialise(part, 0.5, random)
    named = TaskMetadata({"id2label": {0: "a", 1: "b", 2: "c"}})
    one = from_state(family, config, encoder.state_dict(), {HEAD: head.state_dict()}, tokenizer, named)
    save_pretrained(replace(one, calibration=KNOWN), tokenizer, tmp_path / "model")
    convert(tmp_path / "model", tmp_path / "baked", "hub", {}, bake=True)
    expected = our_scores(tmp_path / "model")
    np.testing.assert_allclose(their_scores(tmp_path / "baked"), expected, atol=2e-4)
    np.testing.assert_allclose(our_scores(tmp_path / "baked"), expected, atol=1e-5)


def test_half_precision_keeps_its_type(tmp_path: Path) -> None:
    folder, baked = peer(tmp_path / "model", "bert", dtype=torch.bfloat16), tmp_path / "baked"
    convert(folder, baked, "hub", {}, bake=True)
    np.testing.assert_allclose(their_scores(baked), our_scores(folder), atol=0.01)
    headers = open_pretrained(baked).tensors.headers
    assert {header.dtype for header in headers.values()} == {"bfloat16"}


def test_what_cannot_be_baked_is_refused_by_name(tmp_path: Path) -> None:
    folder = peer(tmp_path / "model", "bert")
    (folder / CALIBRATION).unlink()
    with pytest.raises(UserError, match="has no calibration, whose temperature could be baked in") as caught:
        convert(folder, tmp_path / "baked", "hub", {}, bake=True)
    assert "--calibrate" in caught.value.remedy
    make_task_peer("question-answering", tmp_path / "other")
    write_calibration(tmp_path / "other", KNOWN)
    with pytest.raises(UserError, match="its classifier is not one layer over one encoder"):
        convert(tmp_path / "other", tmp_path / "baked", "hub", {}, bake=True)
    assert not (tmp_path / "baked").exists()
