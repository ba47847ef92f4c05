from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import bertkit
from bertkit.config.indexing import IndexConfig
from bertkit.errors import UserError
from bertkit.workflows.index_model import IndexModel, check_model, compared, new_model
from tests.parity.task_peers import make_task_peer


def sentence_folder(folder: Path, similarity: str = "cosine", **prompts: str) -> Path:
    """A folder as sentence-transformers writes it, with prompts, whose vectors are not of length 1."""
    make_task_peer("text-classification", folder)
    modules = [
        {"idx": 0, "name": "0", "path": "", "type": "sentence_transformers.models.Transformer"},
        {"idx": 1, "name": "1", "path": "1_Pooling", "type": "sentence_transformers.models.Pooling"},
    ]
    (folder / "1_Pooling").mkdir()
    pooling = {"word_embedding_dimension": 33, "pooling_mode_mean_tokens": True}
    written: dict[str, Any] = {
        "modules.json": modules,
        "1_Pooling/config.json": pooling,
        "config_sentence_transformers.json": {"prompts": prompts, "similarity_fn_name": similarity},
    }
    for name, values in written.items():
        (folder / name).write_text(json.dumps(values))
    return folder


def config(folder: Path, **given: Any) -> IndexConfig:
    return IndexConfig(index="notes.idx", model=str(folder), dtype="float32", device="cpu", **given)


def vector(folder: Path, text: str) -> np.ndarray[Any, Any]:
    return bertkit.load(folder, task="sentence-embedding", dtype="float32", normalize=False).encode(text)


def test_passages_and_queries_have_the_prompts_of_the_model(tmp_path: Path) -> None:
    folder = sentence_folder(tmp_path / "m", query="w1 ", document="w2 ")
    described = new_model(config(folder))[0]
    assert (described.prompt, described.query_prompt, described.width) == ("w2 ", "w1 ", 33)
    model = IndexModel(described, "cpu")
    for found, text in ((model.passages(["w5"])[0], "w2 w5"), (model.query("w5"), "w1 w5")):
        expected = vector(folder, text)
        assert found == pytest.approx(expected / np.linalg.norm(expected), abs=1e-5)
    assert model._queries.engine.backend is model._passages.engine.backend


def test_prompts_may_be_named_or_typed(tmp_path: Path) -> None:
    folder = sentence_folder(tmp_path / "m", other="w3 ")
    described = new_model(config(folder, prompt="other", query_prompt="w4 "))[0]
    assert (described.prompt, described.prompt_name) == ("w3 ", "other")
    assert (described.query_prompt, described.query_prompt_name) == ("w4 ", None)
    expected = vector(folder, "w4 w5")
    assert IndexModel(described, "cpu").query("w5") == pytest.approx(expected / np.linalg.norm(expected), abs=1e-5)
    check_model(described, "notes.idx", config(folder, query_prompt="w4 "))


def test_lengths_count_where_the_model_says_so(tmp_path: Path) -> None:
    folder = sentence_folder(tmp_path / "m", "dot")
    described = new_model(config(folder))[0]
    assert described.similarity == "dot"
    assert IndexModel(described, "cpu").query("w5") == pytest.approx(vector(folder, "w5"), abs=1e-5)
    assert compared(np.zeros((1, 3), np.float32), "cosine").tolist() == [[0, 0, 0]]
    with pytest.raises(UserError, match="compared by euclidean"):
        new_model(config(sentence_folder(tmp_path / "e", "euclidean")))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"prompt": "w9 "}, "another prompt before passages"),
        ({"query_prompt": "w9 "}, "another prompt before queries"),
        ({"dtype": "bfloat16"}, "another precision"),
    ],
)
def test_another_way_to_compute_is_refused_by_name(tmp_path: Path, change: dict[str, str], words: str) -> None:
    folder = sentence_folder(tmp_path / "m")
    known = new_model(config(folder))[0]
    check_model(known, "notes.idx")
    check_model(known, "notes.idx", config(folder))
    with pytest.raises(UserError, match=rf"notes\.idx: its vectors are of .*m; it has {words}"):
        check_model(known, "notes.idx", config(folder).model_copy(update=change))


def test_other_weights_are_refused_whoever_names_them(tmp_path: Path) -> None:
    folder, other = sentence_folder(tmp_path / "m"), sentence_folder(tmp_path / "other")
    known = new_model(config(folder))[0]
    make_task_peer("text-classification", other, seed=1)
    with pytest.raises(UserError, match="other has other weights") as caught:
        check_model(known, "notes.idx", config(other))
    assert "-o ANOTHER" in caught.value.remedy
    make_task_peer("text-classification", folder, seed=1)
    with pytest.raises(UserError, match="it has other weights"):
        check_model(known, "notes.idx")


def test_another_pooling_or_length_is_refused(tmp_path: Path) -> None:
    folder = sentence_folder(tmp_path / "m")
    known = new_model(config(folder))[0]
    pooling = {"word_embedding_dimension": 33, "pooling_mode_cls_token": True, "pooling_mode_mean_tokens": False}
    (folder / "1_Pooling/config.json").write_text(json.dumps(pooling))
    (folder / "sentence_bert_config.json").write_text(json.dumps({"max_seq_length": 9, "do_lower_case": False}))
    with pytest.raises(UserError, match="another pooling and another length"):
        check_model(known, "notes.idx")
