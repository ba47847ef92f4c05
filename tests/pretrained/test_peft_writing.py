from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from bertkit.checkpoints.stored import StoredTensors
from bertkit.errors import UserError
from bertkit.pretrained.adapter_writing import write_adapter as write_own
from bertkit.pretrained.adapters import Adapter, Base
from bertkit.pretrained.convert import convert
from bertkit.pretrained.loading import open_adapter, open_pretrained
from bertkit.pretrained.peft_writing import write_peft
from tests.pretrained.peft_folders import FAMILIES, theirs, write_adapter
from tests.pretrained.test_peft_layout import ours


@pytest.mark.parametrize("task_type", ["SEQ_CLS", "FEATURE_EXTRACTION"])
@pytest.mark.parametrize("family", FAMILIES)
def test_what_is_written_is_read_back(tmp_path: Path, family: str, task_type: str) -> None:
    folder, merged = write_adapter(tmp_path, family, task_type)
    convert(folder, tmp_path / "again", "peft", {})
    torch.testing.assert_close(ours(tmp_path / "again", task_type), theirs(merged), atol=3e-5, rtol=1e-4)
    names = {name.removesuffix(".weight") for name in load_file(tmp_path / "again" / "adapter_model.safetensors")}
    config = json.loads((tmp_path / "again" / "adapter_config.json").read_text())
    adapted = {name.removesuffix(".lora_A") for name in names if name.endswith(".lora_A")}
    assert {f"base_model.model.{module}" for module in config["target_modules"]} == adapted
    assert (config["peft_type"], config["task_type"]) == ("LORA", task_type)


def own_adapter(base: Path, **values: object) -> Adapter:
    """As a run of fine-tuning makes one: all linear layers of a rank, the pooler and the head whole."""
    source, random = open_pretrained(base), torch.Generator().manual_seed(5)
    shapes = source.table(source.family.encoder).shapes(source.tensors.headers)
    tensors: dict[str, torch.Tensor] = {}
    for name, shape in shapes.items():
        if name.startswith("layers.") and len(shape) == 2:
            part = name.removesuffix(".weight")
            tensors[f"{part}.lower"] = torch.randn(2, shape[1], generator=random)
            tensors[f"{part}.upper"] = torch.randn(shape[0], 2, generator=random) * 0.1
        elif name.startswith("pooler."):
            tensors[name] = torch.randn(shape, generator=random)
    head = {"head.classifier.weight": torch.randn(4, 36, generator=random), "head.classifier.bias": torch.ones(4)}
    labels = {"id2label": {str(place): f"L{place}" for place in range(4)}, **values}
    stored = StoredTensors.of(tensors | head)
    place = Base.of(str(base), base, base.parent / "own")
    return Adapter(place, source.fingerprint(), "text-classification", 1.5, labels, stored)


def test_an_adapter_of_a_run_keeps_its_answers_and_labels(tmp_path: Path) -> None:
    write_adapter(tmp_path, "bert", "SEQ_CLS")
    write_own(own_adapter(tmp_path / "base"), tmp_path / "own", "")
    convert(tmp_path / "own", tmp_path / "peft", "peft", {})
    torch.testing.assert_close(ours(tmp_path / "peft", "SEQ_CLS"), ours(tmp_path / "own", "SEQ_CLS"))
    config = json.loads((tmp_path / "peft" / "adapter_config.json").read_text())
    assert (config["r"], config["lora_alpha"], config["rank_pattern"]) == (2, 3.0, {})
    assert config["modules_to_save"] == ["classifier", "pooler"]
    found = open_adapter(tmp_path / "peft")
    assert found is not None
    assert found[1].values["id2label"] == {"0": "L0", "1": "L1", "2": "L2", "3": "L3"}
    assert "num_labels=4" in (tmp_path / "peft" / "README.md").read_text()


def test_other_ranks_stand_in_patterns(tmp_path: Path) -> None:
    write_adapter(tmp_path, "bert", "SEQ_CLS")
    adapter, base = own_adapter(tmp_path / "base"), open_pretrained(tmp_path / "base")
    wider = {"layers.0.mlp.up.lower": torch.randn(5, 36), "layers.0.mlp.up.upper": torch.randn(40, 5)}
    adapter = replace(adapter, tensors=StoredTensors.of({**adapter.tensors, **wider}))
    write_peft(adapter, base, tmp_path / "peft")
    config = json.loads((tmp_path / "peft" / "adapter_config.json").read_text())
    name = r"bert\.encoder\.layer\.0\.intermediate\.dense"
    assert (config["rank_pattern"], config["alpha_pattern"]) == ({name: 5}, {name: 7.5})
    write_own(adapter, tmp_path / "own", "")
    torch.testing.assert_close(ours(tmp_path / "peft", "SEQ_CLS"), ours(tmp_path / "own", "SEQ_CLS"))


def test_what_peft_has_no_place_for_is_refused(tmp_path: Path) -> None:
    write_adapter(tmp_path, "bert", "SEQ_CLS")
    with pytest.raises(UserError, match="is no adapter, and peft's folders are"):
        convert(tmp_path / "base", tmp_path / "peft", "peft", {})
    base = open_pretrained(tmp_path / "base")
    with pytest.raises(UserError, match="its classifier reads the mean of the tokens"):
        write_peft(own_adapter(tmp_path / "base", bertkit_classifier_reads="mean"), base, tmp_path / "peft")
    with pytest.raises(UserError, match="a temperature is not baked into an adapter"):
        convert(tmp_path / "adapter", tmp_path / "peft", "peft", {}, bake=True)
    assert not (tmp_path / "peft").exists()
