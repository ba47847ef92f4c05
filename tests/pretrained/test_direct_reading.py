"""Classifiers that read the mean or the first token as it is: transformers opens them, and bertkit knows them again."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
import transformers
from safetensors.torch import load_file, save_file

from bertkit.batching.token_batch import TokenBatch
from bertkit.config.encoder import EncoderConfig
from bertkit.families.catalogue import FAMILIES
from bertkit.model.build import build_encoder
from bertkit.model.heads import Head, build_head
from bertkit.model.init import initialise
from bertkit.pretrained.checkpoint import Pretrained
from bertkit.pretrained.direct_reading import HEAD, KEY, Reading, can_be_direct, direct
from bertkit.pretrained.from_state import TaskMetadata, from_state
from bertkit.pretrained.loading import open_pretrained
from bertkit.pretrained.saving import save_pretrained
from bertkit.tokenization.tokenizer import Tokenizer

LABELS = {"0": "red", "1": "green", "2": "blue"}
SIZES = EncoderConfig(vocab_size=61, width=24, heads=4, ffn_width=40, layer_of_step=(0, 1), pooler=False)
FAMILY_SIZES = {
    "bert": SIZES,
    "roberta": SIZES.model_copy(update={"segment_types": 1, "norm_eps": 1e-5}),
    "distilbert": SIZES.model_copy(update={"segment_types": 0}),
}
CLASSES = {"bert": "Bert", "roberta": "Roberta", "distilbert": "DistilBert"}
IDS = [[5, 17, 23, 9, 33], [8, 41], [12, 13, 14, 15, 16, 17, 18, 19, 20]]
CASES = [(family, reads) for family in FAMILY_SIZES for reads in ("mean", "first")]


@pytest.fixture
def tokenizer(tmp_path: Path) -> Tokenizer:
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *(f"w{number}" for number in range(56))]
    (tmp_path / "words").mkdir()
    (tmp_path / "words/vocab.txt").write_text("\n".join(words) + "\n")
    return Tokenizer.load(tmp_path / "words")


def checkpoint(family_name: str, reads: Reading, tokenizer: Tokenizer) -> tuple[Pretrained, torch.Tensor]:
    """A random one, and its logits of `IDS`."""
    family, config = direct(FAMILIES[family_name], reads), FAMILY_SIZES[family_name]
    random = torch.Generator().manual_seed(7)
    encoder, head = build_encoder(config), build_head(family.heads[HEAD], config, len(LABELS))
    for part in (encoder, head):
        initialise(part, 0.5, random)
    values = {"id2label": LABELS, "architectures": [f"{CLASSES[family_name]}ForSequenceClassification"]}
    one = from_state(family, config, encoder.state_dict(), {HEAD: head.state_dict()}, tokenizer, TaskMetadata(values))
    return one, logits(encoder.eval(), head.eval())


@torch.inference_mode()
def logits(encoder: torch.nn.Module, head: torch.nn.Module) -> torch.Tensor:
    batch = TokenBatch.pack(IDS, [[0] * len(ids) for ids in IDS])
    result: torch.Tensor = head(encoder(batch), batch.layout, encoder)
    return result


def opened(folder: Path) -> torch.Tensor:
    """The logits of transformers."""
    model = transformers.AutoModelForSequenceClassification.from_pretrained(folder).eval()
    with torch.inference_mode():
        return torch.cat([model(input_ids=torch.tensor([ids])).logits for ids in IDS])


@pytest.mark.parametrize(("family", "reads"), CASES)
def test_transformers_computes_the_same(family: str, reads: Reading, tokenizer: Tokenizer, tmp_path: Path) -> None:
    one, expected = checkpoint(family, reads, tokenizer)
    save_pretrained(one, tokenizer, tmp_path / "saved")
    torch.testing.assert_close(opened(tmp_path / "saved"), expected, atol=2e-5, rtol=2e-5)


@pytest.mark.parametrize(("family", "reads"), CASES)
def test_what_was_written_is_read_back(family: str, reads: Reading, tokenizer: Tokenizer, tmp_path: Path) -> None:
    one, expected = checkpoint(family, reads, tokenizer)
    save_pretrained(one, tokenizer, tmp_path / "saved")
    again = open_pretrained(tmp_path / "saved")
    assert again.config == one.config
    assert again.foreign.unread == ()
    assert set(again.tensors) == set(one.tensors)
    exact = {name for name, tensor in one.tensors.items() if torch.equal(tensor, again.tensors[name])}
    assert set(one.tensors) - exact <= ({"classifier.bias"} if family == "distilbert" else set())
    task = again.build_task(HEAD, tokenizer)
    head = again.build_head(task)
    assert isinstance(head, Head)
    assert head.reads == reads
    torch.testing.assert_close(logits(again.build_encoder(), head), expected, atol=2e-6, rtol=2e-6)
    save_pretrained(again, tokenizer, tmp_path / "twice")
    first, second = (load_file(tmp_path / name / "model.safetensors") for name in ("saved", "twice"))
    assert all(torch.allclose(tensor, second[name], atol=1e-6) for name, tensor in first.items())


def test_half_precision_is_as_good_as_elsewhere(tokenizer: Tokenizer, tmp_path: Path) -> None:
    one, expected = checkpoint("bert", "mean", tokenizer)
    save_pretrained(one, tokenizer, tmp_path / "saved")
    model = transformers.AutoModelForSequenceClassification.from_pretrained(tmp_path / "saved", dtype=torch.float16)
    with torch.inference_mode():
        half = torch.cat([model.eval()(input_ids=torch.tensor([ids])).logits for ids in IDS]).float()
    assert half.isfinite().all()
    torch.testing.assert_close(half, expected, atol=0.02, rtol=0.02)


def changed_layer(weights: dict[str, torch.Tensor]) -> None:
    weights["bert.encoder.layer.2.output.dense.bias"][3] = 0.25


def changed_dense(weights: dict[str, torch.Tensor]) -> None:
    weights["bert.pooler.dense.weight"][3, 4] = 0.25


@pytest.mark.parametrize("change", [changed_layer, changed_dense])
def test_what_was_trained_elsewhere_is_read_as_it_is(
    change: Callable[[dict[str, torch.Tensor]], None], tokenizer: Tokenizer, tmp_path: Path
) -> None:
    one, _ = checkpoint("bert", "mean", tokenizer)
    save_pretrained(one, tokenizer, tmp_path / "saved")
    weights = load_file(tmp_path / "saved/model.safetensors")
    change(weights)
    save_file(weights, tmp_path / "saved/model.safetensors", metadata={"format": "pt"})
    again = open_pretrained(tmp_path / "saved")
    assert again.config.layers == SIZES.layers + 1
    head = again.build_head(again.build_task(HEAD, tokenizer))
    assert head is not None
    torch.testing.assert_close(logits(again.build_encoder(), head), opened(tmp_path / "saved"), atol=2e-5, rtol=2e-5)


def test_a_family_that_cannot_say_so_keeps_its_own_way() -> None:
    for name in ("mpnet", "albert", "modernbert"):
        config = next(iter(FAMILIES[name].presets.values()))
        assert not can_be_direct(FAMILIES[name], config, "mean")
    assert can_be_direct(FAMILIES["mpnet"], next(iter(FAMILIES["mpnet"].presets.values())), "first")
    assert KEY.startswith("bertkit")
