"""A model in memory becomes a checkpoint of any family, and is built from it again."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from bertkit.families.catalogue import FAMILIES
from bertkit.families.contract import Family
from bertkit.model.build import build_encoder
from bertkit.model.heads import build_head, build_masked_lm_head
from bertkit.model.init import initialise
from bertkit.pretrained.from_state import TaskMetadata, from_state
from bertkit.pretrained.loading import open_pretrained
from bertkit.pretrained.saving import save_pretrained
from bertkit.tokenization.tokenizer import Tokenizer
from tests.corpora.shard_files import numbered_tokenizer

LABELS = {"0": "red", "1": "green", "2": "blue"}


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory: pytest.TempPathFactory) -> Tokenizer:
    return numbered_tokenizer(tmp_path_factory.mktemp("tokenizer") / "folder")


def small(family: Family) -> dict[str, object]:
    """The family's first preset, its sizes made small."""
    preset = next(iter(family.presets.values()))
    layers = tuple(range(preset.layers))[:2]
    sizes = {"vocab_size": 100, "width": 24, "heads": 2, "kv_heads": None, "ffn_width": 40}
    return {**preset.model_dump(), **sizes, "layer_of_step": (*layers, *layers[-1:])[:2]}


@pytest.mark.parametrize("family", FAMILIES.values(), ids=FAMILIES)
def test_what_was_made_is_built_again(family: Family, tokenizer: Tokenizer, tmp_path: Path) -> None:
    config = type(next(iter(family.presets.values()))).model_validate(small(family))
    random = torch.Generator().manual_seed(3)
    encoder, heads = build_encoder(config), {}
    if "masked-lm" in family.heads:
        heads["masked-lm"] = build_masked_lm_head(family.heads["masked-lm"], config)
    for part in (encoder, *heads.values()):
        initialise(part, 0.3, random)
    made = from_state(
        family, config, encoder.state_dict(), {name: head.state_dict() for name, head in heads.items()}, tokenizer
    )
    assert made.heads == tuple(heads)
    save_pretrained(made, tokenizer, tmp_path / "folder")
    for one in (made, open_pretrained(tmp_path / "folder")):
        assert one.family is family
        state = one.build_encoder().state_dict()
        assert state.keys() == encoder.state_dict().keys()
        assert all(torch.equal(state[name], tensor) for name, tensor in encoder.state_dict().items())
        for head in heads.values():
            found = one.build_head(one.build_task("fill-mask", tokenizer))
            assert found is not None
            assert all(torch.equal(found.state_dict()[name], tensor) for name, tensor in head.state_dict().items())


def test_what_its_files_say_of_the_task(tokenizer: Tokenizer, tmp_path: Path) -> None:
    family = FAMILIES["bert"]
    config = type(family.presets["base"]).model_validate(small(family))
    encoder, head = build_encoder(config), build_head(family.heads["text-classification"], config, 3)
    for part in (encoder, head):
        initialise(part, 0.3, torch.Generator().manual_seed(3))
    values = {"id2label": LABELS, "architectures": ["BertForSequenceClassification"]}
    heads = {"text-classification": head.state_dict()}
    made = from_state(family, config, encoder.state_dict(), heads, tokenizer, TaskMetadata(values))
    assert made.foreign.values["pad_token_id"] == tokenizer.specials.pad
    assert made.tasks()[0] == "text-classification"
    assert made.build_task(None, tokenizer).labels == ("red", "green", "blue")
