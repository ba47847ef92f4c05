from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from transformers import pipeline

import bertkit
from bertkit.errors import InputError, UserError
from bertkit.inference.model import Model
from bertkit.pretrained.loading import open_pretrained
from bertkit.tasks.scoring import Labels, softmax
from tests.parity.task_peers import make_task_peer

NLI = ["contradiction", "neutral", "entailment"]


def load(folder: Path, **options: object) -> Model:
    return bertkit.load(folder, dtype="float32", **options)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def nli(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("nli")
    make_task_peer("text-classification", folder, labels=NLI)
    return folder


def logits(folder: Path, pairs: list[tuple[str, str]], classes: int, **options: object) -> np.ndarray:
    """Logits of pairs, up to a constant for each where there are several."""
    problem = "regression" if classes == 1 else "single-label"
    model = load(folder, task="text-classification", problem=problem, **options)
    records = [result.record() for result in model.predict(pairs)]
    if classes == 1:
        return np.array([[record["value"]] for record in records])
    return np.log([[one["score"] for one in sorted(r["labels"], key=lambda x: NLI.index(x["label"]))] for r in records])  # type: ignore[attr-defined]


def test_zero_shot_single_label(nli: Path) -> None:
    assert open_pretrained(nli).tasks()[:2] == ["text-classification", "zero-shot-classification"]
    names = ["w1", "w2 w3", "paris"]
    pairs = [("w7 w8", f"is a {name} city") for name in names]
    model = load(nli, task="zero-shot-classification", hypothesis_template="is a {} city")
    (result,) = model.predict([{"text": "w7 w8", "candidate_labels": names}])
    assert isinstance(result, Labels)
    found = {label.label: label.score for label in result.labels}
    assert sum(found.values()) == pytest.approx(1)
    # Logits are known up to a constant for each pair, so compare by way of raw logits of the head itself.
    head = raw_logits(nli, pairs)
    np.testing.assert_allclose([found[name] for name in names], softmax(head[:, 2]), atol=1e-6)
    (text,) = model.predict([{"text": "w7 w8", "candidate_labels": " w1, w2 w3,paris,"}])
    assert text.answer() == result.answer()


def test_zero_shot_multi_label(nli: Path) -> None:
    names = ["w1", "paris"]
    pairs = [("w7 w8", f"This example is {name}.") for name in names]
    head = raw_logits(nli, pairs)
    expected = softmax(head[:, [2, 0]])[:, 0]
    model = load(nli, task="zero-shot-classification", problem="multi-label")
    (result,) = model.predict([{"text": "w7 w8", "candidate_labels": names}])
    assert isinstance(result, Labels)
    found = {label.label: label.score for label in result.labels}
    np.testing.assert_allclose([found[name] for name in names], expected, atol=1e-6)
    alone = load(nli, task="zero-shot-classification").predict([{"text": "w7 w8", "candidate_labels": ["w1"]}])[0]
    assert isinstance(alone, Labels)
    assert alone.labels[0].score == pytest.approx(expected[0], abs=1e-6)


def raw_logits(folder: Path, pairs: list[tuple[str, str]]) -> np.ndarray:
    model = load(folder, task="text-classification")
    logits = []
    for first, second in pairs:
        inputs = model.task.read({"text": first, "text_pair": second})
        reader = model.answerer.pipeline.reader
        (encoded,) = reader.encode(inputs, reader.tokenize(inputs))
        ((output,),) = model.answerer.engine.run(encoded.windows)
        logits.append(output[0])
    return np.stack(logits)


@pytest.mark.parametrize("labels", [["entailment", "not_entailment"], ["NOT_ENTAILMENT", "ENTAILMENT"]])
def test_a_model_of_two_labels(tmp_path: Path, labels: list[str]) -> None:
    make_task_peer("text-classification", tmp_path, labels=labels)
    row = {"text": "w1", "candidate_labels": ["w2", "w3"]}
    (result,) = load(tmp_path, task="zero-shot-classification", problem="multi-label").predict([row])
    assert isinstance(result, Labels)
    classifier = load(tmp_path, task="text-classification")
    for label in result.labels:
        ((record),) = [one.record() for one in classifier.predict([("w1", f"This example is {label.label}.")])]
        entailed = {one["label"].lower(): one["score"] for one in record["labels"]}["entailment"]  # type: ignore[attr-defined]
        assert label.score == pytest.approx(entailed, abs=1e-6)


ORDERS = {
    "last": ["contradiction", "neutral", "entailment"],
    "first": ["entailment", "neutral", "contradiction"],
    "other words": ["contradicts", "neutral", "entails"],
    "no name for it": ["entailment", "neutral", "refutation"],
    "two": ["not_entailment", "entailment"],
}


@pytest.mark.parametrize("labels", ORDERS.values(), ids=ORDERS)
@pytest.mark.parametrize("problem", ["single-label", "multi-label"])
def test_names_and_order_of_labels_as_transformers_reads_them(tmp_path: Path, labels: list[str], problem: str) -> None:
    make_task_peer("text-classification", tmp_path, labels=labels)
    classify = pipeline("zero-shot-classification", model=str(tmp_path), device="cpu")
    found = classify("w7 w8", ["w1", "w2 w3"], multi_label=problem == "multi-label")
    expected = {
        label: pytest.approx(score, abs=1e-5) for label, score in zip(found["labels"], found["scores"], strict=True)
    }
    model = load(tmp_path, task="zero-shot-classification", problem=problem)
    (result,) = model.predict([{"text": "w7 w8", "candidate_labels": ["w1", "w2 w3"]}])
    assert isinstance(result, Labels)
    assert {label.label: label.score for label in result.labels} == expected


def test_without_a_contradiction_several_labels_can_be_compared_and_one_cannot(tmp_path: Path) -> None:
    make_task_peer("text-classification", tmp_path, labels=["entailment", "unknown", "refuted"])
    assert "zero-shot-classification" in open_pretrained(tmp_path).tasks()
    model = load(tmp_path, task="zero-shot-classification")
    (result,) = model.predict([{"text": "w7", "candidate_labels": ["w1", "w2"]}])
    assert isinstance(result, Labels)
    assert sum(label.score for label in result.labels) == pytest.approx(1.0)
    with pytest.raises(InputError, match="row 1: field 'candidate_labels' has one label only"):
        model.predict([{"text": "w7", "candidate_labels": ["w1"]}])
    with pytest.raises(UserError, match="multi-label needs a label called contradiction"):
        load(tmp_path, task="zero-shot-classification", problem="multi-label")


def test_bad_zero_shot(nli: Path, tmp_path: Path) -> None:
    model = load(nli, task="zero-shot-classification")
    for labels, message in (
        ("", "is an empty list"),
        ([], "is an empty list"),
        (["a", "b", "a"], "has 'a' twice"),
        (5, "is int, not a list"),
    ):
        with pytest.raises(InputError, match=message):
            model.predict([{"text": "w1", "candidate_labels": labels}])
    with pytest.raises(UserError, match=r"no \{\} in the hypothesis template 'about'"):
        load(nli, task="zero-shot-classification", hypothesis_template="about")
    with pytest.raises(UserError, match="unknown problem 'regression' for zero-shot-classification"):
        load(nli, task="zero-shot-classification", problem="regression")
    make_task_peer("text-classification", tmp_path, labels=["good", "bad", "contradiction"])
    with pytest.raises(UserError, match="no label called entailment among good, bad, contradiction"):
        load(tmp_path, task="zero-shot-classification")
    assert "zero-shot-classification" not in open_pretrained(tmp_path).tasks()
