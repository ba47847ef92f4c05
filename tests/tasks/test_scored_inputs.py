"""Tasks that read several inputs from a row: multiple-choice, text-ranking, zero-shot-classification."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from transformers import pipeline

import bertkit
from bertkit.errors import InputError, MissingHead, UserError
from bertkit.inference.model import Model
from bertkit.inference.pipeline import Failure
from bertkit.pretrained.loading import open_pretrained
from bertkit.tasks.multiple_choice import Choices
from bertkit.tasks.scoring import Labels, best_first, sigmoid, softmax
from bertkit.tasks.text_ranking import Ranking
from bertkit.tokenization.windows import Window
from tests.parity.task_peers import make_task_peer

LONG = " ".join(f"w{number}" for number in range(50))
NLI = ["contradiction", "neutral", "entailment"]


def load(folder: Path, **options: object) -> Model:
    return bertkit.load(folder, dtype="float32", **options)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def chooser(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("chooser")
    make_task_peer("multiple-choice", folder)
    return folder


@pytest.fixture(scope="module")
def ranker(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("ranker")
    make_task_peer("text-classification", folder, labels=["LABEL_0"])
    return folder


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


def test_choices(chooser: Path) -> None:
    assert open_pretrained(chooser).tasks()[0] == "multiple-choice"
    row = {"text": "w1 w2", "choices": ["w3", "w4 w5", "w6"]}
    model = load(chooser)
    (result,) = model.predict([row])
    assert isinstance(result, Choices)
    record = result.record()
    assert list(record) == ["choices", "input_tokens", "windows", "truncated", "dtype"]
    assert (record["input_tokens"], record["windows"]) == (3 * 5 + 4, 1)
    assert sorted(choice.index for choice in result.choices) == [0, 1, 2]
    assert sum(choice.score for choice in result.choices) == pytest.approx(1)
    (turned,) = model.predict([{**row, "choices": row["choices"][::-1]}])
    assert isinstance(turned, Choices)
    assert [2 - choice.index for choice in turned.choices] == [choice.index for choice in result.choices]


def test_a_long_text_with_choices(chooser: Path) -> None:
    (result,) = load(chooser, long="window").predict([{"text": LONG, "choices": ["w1", "w2 w3 w4", "w5"]}])
    assert isinstance(result, Choices)
    assert len(result.choices) == 3
    assert result.reading.windows > 2


def test_ranking_is_by_the_logit_of_query_and_document(ranker: Path) -> None:
    documents = ["w1 w2", "w3", "paris is a city", "w9 w9 w9"]
    expected = logits(ranker, [("w5", document) for document in documents], 1)[:, 0]
    for activation, scores in (("sigmoid", sigmoid(expected)), ("identity", expected)):
        model = load(ranker, task="text-ranking", activation=activation)
        (result,) = model.predict([{"query": "w5", "documents": documents}])
        assert isinstance(result, Ranking)
        assert [one.index for one in result.ranking] == (-expected).argsort().tolist()
        np.testing.assert_allclose([one.score for one in result.ranking], sorted(scores, reverse=True), atol=1e-6)
    assert list(result.record()) == ["ranking", "input_tokens", "windows", "truncated", "dtype"]


def test_a_long_document_is_as_relevant_as_its_best_window(ranker: Path) -> None:
    model = load(ranker, task="text-ranking", activation="identity", long="window")
    seen: list[Window] = []
    engine = model.answerer.engine
    run = engine.run
    engine.run = lambda windows: (seen.extend(windows), run(windows))[1]  # type: ignore[method-assign]
    (result,) = model.predict([{"query": "w5", "documents": [LONG]}])
    assert isinstance(result, Ranking)
    shown = [" ".join(model.tokenizer.token(id) for id in window.ids[3:-1]) for window in seen]
    assert len(shown) == result.reading.windows == 4
    expected = logits(ranker, [("w5", text) for text in shown], 1).max()
    assert result.ranking[0].score == pytest.approx(expected, abs=1e-5)


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


BAD_ROWS = {
    "no list": ({"text": "w1", "choices": "w2"}, "field 'choices' is str, not a list"),
    "an empty list": ({"text": "w1", "choices": []}, "field 'choices' is an empty list"),
    "no choices": ({"text": "w1"}, "no field 'choices'"),
    "not text": ({"text": "w1", "choices": ["w1", 2]}, r"field 'choices\[1\]' is int, not text"),
    "an empty choice": ({"text": "w1", "choices": ["w1", " "]}, "input 2 of 2: the text is empty"),
    "too long": ({"text": "w1", "choices": ["w1", LONG]}, "input 2 of 2: the text has 54 tokens"),
}


@pytest.mark.parametrize(("row", "message"), BAD_ROWS.values(), ids=BAD_ROWS)
def test_bad_rows_are_refused_or_recorded(chooser: Path, row: dict[str, object], message: str) -> None:
    model = load(chooser)
    with pytest.raises(InputError, match=f"row 1: {message}"):
        model.predict([row])
    good = {"text": "w1", "choices": ["w2", "w3 w4"]}
    stream = list(model.stream([good, row, good], on_error="record"))
    assert [type(one) for one in stream] == [Choices, Failure, Choices]
    first, last = (one for one in stream if isinstance(one, Choices))
    assert [one.index for one in first.choices] == [one.index for one in last.choices]
    assert first.choices[0].score == pytest.approx(last.choices[0].score, abs=1e-6)


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


def test_bad_ranking(nli: Path, ranker: Path) -> None:
    with pytest.raises(MissingHead, match="the head has 3 outputs, text-ranking needs 1"):
        load(nli, task="text-ranking")
    with pytest.raises(UserError, match=r"unknown activation 'sigmoyd' \(did you mean 'sigmoid'\?\)"):
        load(ranker, task="text-ranking", activation="sigmoyd")
    assert open_pretrained(ranker).tasks()[:2] == ["text-classification", "text-ranking"]


def test_scores() -> None:
    assert [(one.index, one.score) for one in best_first(np.array([0.5, 2.0, 0.5]))] == [(1, 2.0), (0, 0.5), (2, 0.5)]
    with np.errstate(over="raise"):
        np.testing.assert_allclose(sigmoid(np.array([-1e4, 0.0, 1e4])), [0, 0.5, 1])
        np.testing.assert_allclose(softmax(np.array([1e4, 0.0])), [1, 0])
