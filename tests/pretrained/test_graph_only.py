from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from bertkit.errors import BadCheckpoint
from bertkit.pretrained.loading import open_pretrained
from tests.exports.tiny_models import ENDINGS, make_small


def without_weights(folder: Path) -> Path:
    (folder / "model.safetensors").unlink()
    (folder / "onnx").mkdir()
    (folder / "onnx/model.onnx").touch()
    return folder


@pytest.mark.parametrize("task", ENDINGS)
def test_all_but_the_numbers_is_known(task: str, tmp_path: Path) -> None:
    source = make_small(task, tmp_path / "model")
    whole = open_pretrained(source)
    graph = open_pretrained(without_weights(Path(shutil.copytree(source, tmp_path / "graph"))))
    assert (whole.has_weights, graph.has_weights) == (True, False)
    assert graph.heads == whole.heads
    assert graph.tasks() == whole.tasks()
    tokenizer = graph.load_tokenizer()
    one, other = (pretrained.build_task(None, tokenizer) for pretrained in (whole, graph))
    assert other.readout == one.readout
    assert graph.max_length(other) == whole.max_length(one)
    with pytest.raises(BadCheckpoint, match="has a graph for another runtime, and no weights"):
        graph.build_network(other)


def test_a_folder_with_neither_says_so(tmp_path: Path) -> None:
    source = make_small("feature-extraction", tmp_path)
    (source / "model.safetensors").unlink()
    with pytest.raises(BadCheckpoint, match="no weights in this folder"):
        open_pretrained(source)
