"""Answers as arrays: `encode` and `predict_proba` say what `predict` says, whatever texts come in."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow
import pytest
import torch
from transformers import AutoTokenizer

import bertkit
from bertkit.errors import InputError, UserError
from bertkit.inference.model import Model
from tests.formats.test_frames import Frame
from tests.parity.bert_peer import Sizes, make_peer
from tests.parity.task_peers import make_task_peer

TEXTS = [" ".join(f"w{n}" for n in range(length)) for length in (1, 9, 3, 20, 2)]


@pytest.fixture(scope="module")
def embedder(tmp_path_factory: pytest.TempPathFactory) -> Model:
    folder = tmp_path_factory.mktemp("model")
    make_peer(Sizes(), folder)
    return bertkit.load(folder, task="sentence-embedding", dtype="float32")


@pytest.fixture(scope="module")
def classifier(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Model]:
    def made(**config: Any) -> Model:
        folder = tmp_path_factory.mktemp("classifier")
        make_task_peer("text-classification", folder, **config)
        return bertkit.load(folder, dtype="float32")

    return made


def test_vectors_are_those_of_predict_in_order(embedder: Model) -> None:
    vectors_NW = embedder.encode(TEXTS)
    assert (vectors_NW.shape, vectors_NW.dtype) == ((5, embedder.encoder.config.width), np.float32)
    np.testing.assert_array_equal(vectors_NW, np.stack([one.embedding for one in embedder.predict(TEXTS)]))


@pytest.mark.parametrize("shape", [iter, np.array, list, pyarrow.array, lambda texts: Frame({"text": texts})])
def test_any_number_of_texts_in_any_container(embedder: Model, shape: Callable[[list[str]], Any]) -> None:
    np.testing.assert_array_equal(embedder.encode(shape(TEXTS)), embedder.encode(TEXTS))
    assert embedder.encode(shape(TEXTS[:1])).shape == (1, embedder.encoder.config.width)


def test_one_text_has_one_vector_and_no_text_none(embedder: Model) -> None:
    np.testing.assert_array_equal(embedder.encode(TEXTS[1]), embedder.encode(TEXTS[1:2])[0])
    assert embedder.encode([]).shape == embedder.encode(iter([])).shape == (0, embedder.encoder.config.width)
    assert embedder.encode([]).dtype == np.float32


def test_the_number_of_tokens_in_a_batch_changes_nothing(embedder: Model) -> None:
    for batch_tokens in (1, 8, 4096):
        found = embedder.encode(TEXTS, batch_tokens=batch_tokens)
        np.testing.assert_allclose(found, embedder.encode(TEXTS), atol=2e-6)
    with pytest.raises(UserError, match="batch_tokens is 0"):
        embedder.encode(TEXTS, batch_tokens=0)


def test_progress_is_shown_on_standard_error(embedder: Model, capsys: pytest.CaptureFixture[str]) -> None:
    np.testing.assert_array_equal(embedder.encode(TEXTS, show_progress=True), embedder.encode(TEXTS))
    assert capsys.readouterr() == ("", "".join(f"\r{n} of 5 texts" for n in (1, 2, 3, 4, 5)) + "\r5 of 5 texts\n")
    embedder.encode(iter(TEXTS), show_progress=True)
    assert capsys.readouterr().err == "\r5 texts\n"


def test_a_bad_text_is_named(embedder: Model) -> None:
    with pytest.raises(InputError, match="row 2: the text is missing"):
        embedder.encode(["w1", None])  # type: ignore[list-item]


def test_other_tasks_say_what_to_do(embedder: Model, classifier: Callable[..., Model]) -> None:
    with pytest.raises(UserError, match="text-classification gives no vector a text") as error:
        classifier().encode(TEXTS)
    assert "task='sentence-embedding'" in error.value.remedy
    with pytest.raises(UserError, match="sentence-embedding gives no probability for each label"):
        embedder.predict_proba(TEXTS)
    with pytest.raises(UserError, match="a regression gives numbers"):
        classifier(labels=("score",), problem_type="regression").predict_proba(TEXTS)
    with pytest.raises(UserError, match="two labels are called 'same'"):
        classifier(labels=("same", "other", "same")).predict_proba(TEXTS)


@pytest.mark.parametrize("problem", ["single_label_classification", "multi_label_classification"])
def test_probabilities_are_those_of_transformers(tmp_path: Path, problem: str) -> None:
    peer = make_task_peer("text-classification", tmp_path, problem_type=problem)
    model = bertkit.load(tmp_path, dtype="float32")
    assert model.labels == ("no", "yes", "maybe")
    tokens = AutoTokenizer.from_pretrained(tmp_path)(TEXTS, return_tensors="pt", padding=True)
    with torch.inference_mode():
        logits_NC = peer(**tokens).logits.double()
    expected = logits_NC.softmax(-1) if problem.startswith("single") else logits_NC.sigmoid()
    np.testing.assert_allclose(model.predict_proba(TEXTS), expected.numpy(), atol=1e-5)
    np.testing.assert_array_equal(model.predict_proba(TEXTS[0]), model.predict_proba(TEXTS)[0])
    assert model.predict_proba([]).shape == (0, 3)


def test_labels_of_tasks(embedder: Model, tmp_path: Path) -> None:
    make_task_peer("token-classification", tmp_path, labels=("O", "B-PER"))
    assert bertkit.load(tmp_path).labels == ("O", "B-PER")
    assert embedder.labels == ()


def test_a_model_explains_what_it_answers(classifier: Callable[..., Model]) -> None:
    model = classifier()
    (first, _) = explained = model.explain(TEXTS[:2], steps=4)
    plain = model.predict(TEXTS[0]).record()
    assert first.result.record()["labels"][0]["score"] == pytest.approx(plain["labels"][0]["score"], abs=1e-5)  # type: ignore[index]
    assert first.explanation is not None
    assert first.explanation.target == plain["labels"][0]["label"]  # type: ignore[index]
    assert not model.explainable
    assert json.dumps(explained[1].record())
    assert model.explain(TEXTS[0], "heads").explanation.kind == "heads"  # type: ignore[union-attr]
    assert model.explain(TEXTS[0], target="maybe", steps=2).explanation.target == "maybe"  # type: ignore[union-attr]


def test_it_is_loaded_for_explanations_once_and_only_if_need_be(
    classifier: Callable[..., Model], monkeypatch: pytest.MonkeyPatch
) -> None:
    model = classifier()
    model.explain(TEXTS[0], steps=1)
    ready = bertkit.load(model.source, explainable=True)
    windows = bertkit.load(model.source, long="window")
    assert windows.explain(TEXTS[0], steps=1).explanation is not None
    monkeypatch.setattr("bertkit.inference.model.open_pretrained", None)
    assert model.explain(TEXTS[0], steps=1).explanation is not None
    assert ready.explain(TEXTS[0], steps=1).explanation is not None
