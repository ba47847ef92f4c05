from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

import bertkit
from bertkit.batching.token_batch import TokenBatch
from bertkit.errors import BadCheckpoint
from bertkit.pretrained.loading import open_pretrained, open_tokenizer
from bertkit.pretrained.peft_layout import ENDINGS
from tests.pretrained.peft_folders import FAMILIES, IDS, theirs, write_adapter


@torch.inference_mode()
def ours(folder: Path, task_type: str) -> torch.Tensor:
    opened = open_pretrained(folder)
    batch = TokenBatch.pack([IDS], [[0] * len(IDS)])
    if task_type == "FEATURE_EXTRACTION":
        return opened.build_encoder().float()(batch)  # type: ignore[no-any-return]
    task = opened.build_task(ENDINGS[task_type], opened.load_tokenizer())
    (logits_RC,) = opened.build_network(task).float()(batch)
    return logits_RC.squeeze(0)  # type: ignore[no-any-return]


@pytest.mark.parametrize("task_type", ["SEQ_CLS", "TOKEN_CLS", "FEATURE_EXTRACTION"])
@pytest.mark.parametrize("family", FAMILIES)
def test_an_adapter_computes_what_the_merged_model_does(tmp_path: Path, family: str, task_type: str) -> None:
    folder, merged = write_adapter(tmp_path, family, task_type)
    torch.testing.assert_close(ours(folder, task_type), theirs(merged), atol=3e-5, rtol=1e-4)


def test_its_scale_may_be_of_the_square_root_of_the_rank(tmp_path: Path) -> None:
    folder, merged = write_adapter(tmp_path, "bert", "SEQ_CLS", use_rslora=True)
    torch.testing.assert_close(ours(folder, "SEQ_CLS"), theirs(merged), atol=3e-5, rtol=1e-4)


def test_it_answers_as_a_model_of_its_task(tmp_path: Path) -> None:
    folder, _ = write_adapter(tmp_path, "bert", "TOKEN_CLS")
    opened = open_pretrained(folder)
    assert (opened.tasks()[0], opened.source, opened.description) == (
        "token-classification",
        folder,
        folder / "adapter_config.json",
    )
    model = bertkit.load(folder, dtype="float32")
    assert model.task.labels == ("LABEL_0", "LABEL_1", "LABEL_2", "LABEL_3")
    assert opened.fingerprint().count("+") == 1
    assert open_tokenizer(folder).vocab_size == 99


def test_a_base_beside_the_adapter_and_older_names(tmp_path: Path) -> None:
    folder, merged = write_adapter(tmp_path, "bert", "SEQ_CLS")
    shutil.move(tmp_path / "base", folder / "base")
    path = folder / "adapter_model.safetensors"
    old = {
        name.replace(".classifier.", ".classifier.modules_to_save.default."): t for name, t in load_file(path).items()
    }
    save_file(old, path, metadata={"format": "pt"})
    change(folder, base_model_name_or_path="base")
    torch.testing.assert_close(ours(folder, "SEQ_CLS"), theirs(merged), atol=3e-5, rtol=1e-4)


def change(folder: Path, **values: object) -> None:
    path = folder / "adapter_config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | values))


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({"peft_type": "IA3"}, 'peft_type is "IA3", and only plain LoRA is read'),
        ({"use_dora": True}, "use_dora is true, and only plain LoRA is read"),
        ({"bias": "all"}, 'bias is "all", and only plain LoRA is read'),
        ({"trainable_token_indices": [1]}, "trainable_token_indices is [1], and only plain LoRA is read"),
        ({"base_model_name_or_path": None}, "no base_model_name_or_path"),
        ({"task_type": None}, "its head could be for text-classification or token-classification or multiple-choice"),
    ],
)
def test_what_cannot_be_read_is_refused_by_name(tmp_path: Path, values: dict[str, object], told: str) -> None:
    folder, _ = write_adapter(tmp_path, "bert", "SEQ_CLS")
    change(folder, **values)
    with pytest.raises(BadCheckpoint) as caught:
        open_pretrained(folder)
    assert told in str(caught.value)
    assert caught.value.remedy


def test_the_class_of_the_base_tells_the_head_too(tmp_path: Path) -> None:
    folder, merged = write_adapter(tmp_path, "bert", "TOKEN_CLS")
    change(folder, task_type=None, auto_mapping={"base_model_class": "BertForTokenClassification"})
    torch.testing.assert_close(ours(folder, "TOKEN_CLS"), theirs(merged), atol=3e-5, rtol=1e-4)


@pytest.mark.parametrize(
    ("name", "shape", "told"),
    [
        ("base_model.model.bert.embeddings.word_embeddings.lora_embedding_A", (3, 99), "is of no layer of the base"),
        ("base_model.model.classifier.lora_A.weight", (3, 36), "is of no layer of the base"),
        ("base_model.model.bert.encoder.layer.0.attention.self.query.lora_A.weight", (3, 5), "does not fit the base's"),
    ],
)
def test_a_tensor_that_has_no_place_is_named(tmp_path: Path, name: str, shape: tuple[int, int], told: str) -> None:
    folder, _ = write_adapter(tmp_path, "bert", "SEQ_CLS")
    path = folder / "adapter_model.safetensors"
    save_file(load_file(path) | {name: torch.zeros(shape)}, path, metadata={"format": "pt"})
    with pytest.raises(BadCheckpoint) as caught:
        open_pretrained(folder)
    assert told in str(caught.value)


def test_damaged_and_missing_files(tmp_path: Path) -> None:
    folder, _ = write_adapter(tmp_path, "bert", "SEQ_CLS")
    (folder / "adapter_model.safetensors").unlink()
    with pytest.raises(BadCheckpoint, match=r"no adapter_model\.safetensors"):
        open_pretrained(folder)
    (folder / "adapter_config.json").write_text("[]")
    with pytest.raises(BadCheckpoint, match="an object is expected, not list"):
        open_pretrained(folder)
    write = json.dumps({"peft_type": "LORA", "base_model_name_or_path": str(folder)})
    (folder / "adapter_config.json").write_text(write)
    save_file({}, folder / "adapter_model.safetensors")
    with pytest.raises(BadCheckpoint, match="the base of the adapter is the adapter itself"):
        open_pretrained(folder)
