"""What stands beside a graph: here without one."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bertkit.checkpoints.graph_files import GraphFile
from bertkit.errors import UserError
from bertkit.exports.folder import exported_pretrained, write_card, write_companions
from bertkit.exports.padded_network import Signature
from bertkit.pretrained.loading import open_pretrained
from tests.exports.tiny_models import make_small
from tests.pretrained.sentence_folders import make_base, sentence_folder


def test_only_the_head_of_the_task_is_said_to_be_there(tmp_path: Path) -> None:
    """BERT's pre-training has two; a graph computes one of them."""
    pretrained = open_pretrained(make_base(tmp_path / "model"))
    tokenizer = pretrained.load_tokenizer()
    assert pretrained.heads == ("masked-lm", "next-sentence")
    for task, architecture in (
        ("fill-mask", "BertForMaskedLM"),
        ("next-sentence-prediction", "BertForNextSentencePrediction"),
        ("feature-extraction", "BertModel"),
    ):
        folder = tmp_path / task
        folder.mkdir()
        write_companions(pretrained, pretrained.build_task(task, tokenizer), tokenizer, folder)
        assert json.loads((folder / "config.json").read_text())["architectures"] == [architecture]
        assert (folder / "tokenizer.json").exists()


def test_settings_of_embeddings_go_where_vectors_are_given(tmp_path: Path) -> None:
    place = sentence_folder(make_base(tmp_path / "base"), tmp_path / "model", pooling={"pooling_mode_cls_token": True})
    pretrained = open_pretrained(place)
    tokenizer = pretrained.load_tokenizer()
    for task, there in (("sentence-embedding", True), ("feature-extraction", True), ("fill-mask", False)):
        folder = tmp_path / task
        folder.mkdir()
        write_companions(pretrained, pretrained.build_task(task, tokenizer), tokenizer, folder)
        assert (folder / "modules.json").exists() == there
        assert (folder / "1_Pooling/config.json").exists() == there


def test_several_encoders_have_no_one_graph(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from dataclasses import replace

    place = sentence_folder(make_base(tmp_path / "base"), tmp_path / "model")
    pretrained = open_pretrained(place)
    assert pretrained.settings is not None
    routed = replace(pretrained, settings=replace(pretrained.settings, routed=(place,)))
    with pytest.raises(UserError, match="a model of several encoders has no one graph"):
        exported_pretrained(routed, pretrained.build_task("sentence-embedding", pretrained.load_tokenizer()))


def test_the_page(tmp_path: Path) -> None:
    pretrained = open_pretrained(make_small("text-classification", tmp_path / "model"))
    task = pretrained.build_task(None, pretrained.load_tokenizer())
    graph = GraphFile(tmp_path / "onnx/model.onnx", "onnx", "float32")
    write_card(tmp_path, "my-graph", task, Signature(("input_ids",), ("logits",)), [graph], ["agrees"])
    page = (tmp_path / "README.md").read_text(encoding="utf-8")
    assert "pipeline_tag: text-classification" in page
    assert "| `onnx/model.onnx` | float32 | agrees |" in page
    assert 'bertkit predict -m my-graph --task text-classification "some text"' in page
    assert 'InferenceSession("onnx/model.onnx")' in page
