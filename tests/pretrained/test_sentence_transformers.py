"""Prompts, lengths and scores of sentence-transformers folders."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from sentence_transformers import CrossEncoder, SentenceTransformer
from sentence_transformers.sentence_transformer.modules import Dense, Dropout, Pooling, Transformer
from torch import nn

import bertkit
from bertkit.errors import ConfigError, MissingHead, TextTooLong, UserError
from bertkit.pretrained.loading import open_pretrained
from bertkit.pretrained.sentence_parts import VectorModules
from bertkit.pretrained.sentence_transformers import Prompts, Reads, SentenceSettings
from bertkit.pretrained.sentence_writing import write_settings
from tests.pretrained.sentence_folders import (
    DOCUMENTS,
    QUERY,
    TEXTS,
    WIDTH,
    assert_same,
    change,
    make_base,
    our_scores,
    ours,
    sentence_folder,
    their_scores,
    theirs,
    write,
)

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_base(tmp_path_factory.mktemp("bert"))


@pytest.fixture(scope="module")
def ranker(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_base(tmp_path_factory.mktemp("ranker"), labels=1)


def test_an_ordinary_folder_has_no_settings(base: Path) -> None:
    opened = open_pretrained(base)
    assert (opened.settings, opened.cross_encoder) == (None, None)


def test_settings_round_trip(base: Path, tmp_path: Path) -> None:
    folder = sentence_folder(base, tmp_path / "st")
    for path in (folder / "1_Pooling").iterdir():
        path.unlink()
    (folder / "1_Pooling").rmdir()
    settings = SentenceSettings(
        VectorModules(("mean", "cls"), include_prompt=False),
        True,
        Prompts({"a": "b: "}, "a"),
        Reads(17, {"query": 5}, True),
        truncate_dim=4,
        similarity="dot",
    )
    write_settings(folder, settings, WIDTH)
    assert open_pretrained(folder).settings == settings


def test_prompts_by_name(base: Path, tmp_path: Path) -> None:
    prompts = {"query": "w3 : ", "passage": "city ", "empty": None}
    folder = sentence_folder(base, tmp_path / "st", model={"prompts": prompts, "default_prompt_name": "passage"})
    peer = SentenceTransformer(str(folder), device="cpu")
    for name in (None, *prompts, "document"):
        np.testing.assert_allclose(ours(folder, prompt=name), peer.encode(TEXTS, prompt_name=name), atol=5e-6)
    np.testing.assert_allclose(ours(folder, prompt="query"), peer.encode_query(TEXTS), atol=5e-6)
    np.testing.assert_allclose(ours(folder, prompt="document"), peer.encode_document(TEXTS), atol=5e-6)
    with pytest.raises(UserError, match=r"no prompt is called 'pasage' \(did you mean 'passage'\?\)") as caught:
        ours(folder, prompt="pasage")
    assert caught.value.remedy == "Choose one of query, passage, empty, document."
    with pytest.raises(UserError, match="feature-extraction reads no prompt"):
        bertkit.load(folder, task="feature-extraction", prompt="query")
    change(folder / "config_sentence_transformers.json", default_prompt_name="pasage")
    with pytest.raises(ConfigError, match=r"default_prompt_name 'pasage' .* \(did you mean 'passage'\?\)"):
        bertkit.load(folder)


def test_prompts_of_a_folder_without_any(base: Path) -> None:
    np.testing.assert_array_equal(ours(base, prompt="query"), ours(base))
    with pytest.raises(UserError, match="no prompt is called 'passage'"):
        ours(base, prompt="passage")


def test_lengths_by_what_a_text_is_for(base: Path, tmp_path: Path) -> None:
    lengths = {"max_seq_length": 8, "query_length": 5, "document_length": 7}
    folder = sentence_folder(base, tmp_path / "st", transformer=lengths)
    peer = SentenceTransformer(str(folder), device="cpu")
    assert [bertkit.load(folder, prompt=name).max_length for name in (None, "query", "document")] == [8, 5, 7]
    np.testing.assert_allclose(ours(folder, prompt="query"), peer.encode_query(TEXTS), atol=5e-6)
    np.testing.assert_allclose(ours(folder, prompt="document"), peer.encode_document(TEXTS), atol=5e-6)
    bertkit.load(folder).save(tmp_path / "saved")
    again = SentenceTransformer(str(tmp_path / "saved"), device="cpu")
    np.testing.assert_allclose(again.encode_query(TEXTS), peer.encode_query(TEXTS), atol=5e-6)


def test_small_letters(base: Path, tmp_path: Path) -> None:
    """A special token that is typed in a text stays one."""
    folder = sentence_folder(base, tmp_path / "st", transformer={"do_lower_case": True})
    texts = ["PARIS IS A CITY", "Paris [MASK] A", "W1 w2 İ"]
    assert np.abs(assert_same(folder, texts) - ours(base, texts, normalize=False)).max() > 0.01
    assert str(bertkit.load(folder).tokenizer.casing).startswith("uncased")


def test_other_types_of_models_are_refused(base: Path, tmp_path: Path) -> None:
    folder = sentence_folder(base, tmp_path / "st", model={"model_type": "SparseEncoder"})
    with pytest.raises(ConfigError, match="a model of type 'SparseEncoder' is not supported"):
        bertkit.load(folder)


ACTIVATIONS = {"plain": {}, "identity": {"activation_fn": nn.Identity()}, "tanh": {"activation_fn": nn.Tanh()}}


@pytest.mark.parametrize("name", ACTIVATIONS)
@pytest.mark.parametrize("more", [{}, {"max_length": 6}, {"prompts": {"q": "w1 : "}, "default_prompt_name": "q"}])
def test_a_cross_encoder_both_ways(ranker: Path, tmp_path: Path, name: str, more: dict[str, object]) -> None:
    CrossEncoder(str(ranker), device="cpu", **ACTIVATIONS[name], **more).save_pretrained(str(tmp_path / "ce"))
    expected = their_scores(tmp_path / "ce")
    assert our_scores(tmp_path / "ce") == pytest.approx(expected, abs=5e-6)
    opened = bertkit.load(tmp_path / "ce")
    assert (opened.task.name, opened.max_length) == ("text-ranking", more.get("max_length", 23))
    opened.save(tmp_path / "saved")
    assert their_scores(tmp_path / "saved") == pytest.approx(expected, abs=5e-6)
    assert our_scores(tmp_path / "saved") == pytest.approx(expected, abs=5e-6)


def test_prompts_and_lengths_of_a_cross_encoder(ranker: Path, tmp_path: Path) -> None:
    peer = CrossEncoder(str(ranker), device="cpu", max_length=6, prompts={"q": "w1 "})
    peer.save_pretrained(str(tmp_path / "ce"))
    pairs = [(QUERY, document) for document in DOCUMENTS]
    assert our_scores(tmp_path / "ce", prompt="q") == pytest.approx(peer.predict(pairs, prompt_name="q"), abs=5e-6)
    with pytest.raises(UserError, match="no prompt is called 'query'"):
        our_scores(tmp_path / "ce", prompt="query")
    with pytest.raises(TextTooLong, match="the limit is 6"):
        bertkit.load(tmp_path / "ce").predict([{"query": QUERY, "documents": DOCUMENTS}])


def test_what_a_checkpoint_without_modules_says(ranker: Path, tmp_path: Path) -> None:
    """The library looks at its file of settings only beside modules.json."""
    folder = tmp_path / "ce"
    CrossEncoder(str(ranker), device="cpu", activation_fn=nn.Identity()).save_pretrained(str(folder))
    (folder / "modules.json").unlink()
    assert our_scores(folder) == pytest.approx(their_scores(folder), abs=5e-6)
    assert all(0 < score < 1 for score in our_scores(folder))


@pytest.mark.parametrize("include_prompt", [True, False])
def test_a_cross_encoder_of_modules(base: Path, tmp_path: Path, include_prompt: bool) -> None:
    torch.manual_seed(7)
    modules = [
        Transformer(str(base)),
        Pooling(WIDTH, ("cls", "mean"), include_prompt=include_prompt),
        Dense(2 * WIDTH, 8),
        Dropout(),
        Dense(8, 1, activation_function=nn.Identity(), module_output_name="scores"),
    ]
    prompts = {"prompts": {"q": "w1 : "}, "default_prompt_name": "q"}
    peer = CrossEncoder(modules=modules, device="cpu", activation_fn=nn.Sigmoid(), **prompts)
    peer.save_pretrained(str(tmp_path / "ce"))
    expected = their_scores(tmp_path / "ce")
    assert our_scores(tmp_path / "ce") == pytest.approx(expected, abs=5e-6)
    opened = open_pretrained(tmp_path / "ce")
    assert opened.tasks()[0] == "text-ranking"
    bertkit.load(tmp_path / "ce").save(tmp_path / "saved")
    assert their_scores(tmp_path / "saved") == pytest.approx(expected, abs=5e-6)
    values = json.loads((tmp_path / "ce/4_Dense/config.json").read_text())
    write(tmp_path / "ce/4_Dense/config.json", {**values, "module_output_name": "score"})
    with pytest.raises(ConfigError, match="no module of the cross-encoder writes 'scores'") as caught:
        open_pretrained(tmp_path / "ce")
    assert '"module_output_name": "scores"' in caught.value.remedy


def test_modules_after_a_classifier_are_refused(ranker: Path, tmp_path: Path) -> None:
    CrossEncoder(str(ranker), device="cpu").save_pretrained(str(tmp_path / "ce"))
    modules = json.loads((tmp_path / "ce/modules.json").read_text())
    modules.append({**modules[0], "name": "1", "path": "1_Dropout", "type": "sentence_transformers.models.Dropout"})
    write(tmp_path / "ce/modules.json", modules)
    with pytest.raises(ConfigError, match="modules after a classifier are not supported"):
        open_pretrained(tmp_path / "ce")


def test_a_reranker_of_two_labels(tmp_path: Path) -> None:
    """The score is the probability of label 1; no answer of the library's own `rank`, which refuses such models."""
    folder = make_base(tmp_path / "two", labels=2)
    logits = torch.tensor(their_scores(folder))
    assert our_scores(folder) == pytest.approx(logits.softmax(-1)[:, 1].tolist(), abs=5e-6)
    assert our_scores(folder, activation="identity") == pytest.approx((logits[:, 1] - logits[:, 0]).tolist(), abs=5e-5)
    assert open_pretrained(folder).tasks()[0] == "text-classification", "asked for, it ranks"
    CrossEncoder(str(folder), device="cpu").save_pretrained(str(tmp_path / "ce"))
    assert our_scores(tmp_path / "ce") == pytest.approx(logits.softmax(-1)[:, 1].tolist(), abs=5e-6)
    three = make_base(tmp_path / "three", labels=3)
    with pytest.raises(MissingHead, match="the head has 3 outputs, text-ranking needs 1"):
        our_scores(three)


def test_the_default_prompt_is_kept_apart_from_the_one_in_use(base: Path, tmp_path: Path) -> None:
    folder = sentence_folder(
        base, tmp_path / "st", model={"prompts": {"a": "w1 ", "b": "w2 "}, "default_prompt_name": "a"}
    )
    bertkit.load(folder, prompt="b").save(tmp_path / "saved")
    np.testing.assert_allclose(theirs(tmp_path / "saved"), theirs(folder), atol=5e-6)
    settings = open_pretrained(folder, "b").settings
    assert settings is not None
    assert settings.prompts == replace(settings.prompts, name="b")
