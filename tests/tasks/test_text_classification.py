from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from transformers import pipeline

import bertkit
from bertkit.errors import BadCheckpoint, BertkitError, ConfigError, MissingHead, UserError
from bertkit.inference.model import Model
from bertkit.pretrained.loading import open_pretrained
from bertkit.tasks.scoring import Labels
from bertkit.tasks.text_classification import Value
from tests.parity.task_peers import change_config, make_task_peer

WORDS = [f"w{number}" for number in range(60)]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    make_task_peer("text-classification", tmp_path)
    return tmp_path


def load(folder: Path, **options: object) -> Model:
    return bertkit.load(folder, dtype="float32", **options)  # type: ignore[arg-type]


def logits(model: Model, text: str) -> np.ndarray:
    """Up to a constant."""
    (result,) = model.predict([text])
    assert isinstance(result, Labels)
    return np.log([label.score for label in sorted(result.labels, key=lambda label: label.label)])


def test_the_task_is_the_checkpoints(folder: Path) -> None:
    assert open_pretrained(folder).tasks()[0] == "text-classification"
    record = load(folder).predict([("w1", "w2")])[0].record()
    assert list(record) == ["labels", "input_tokens", "windows", "truncated", "dtype"]
    assert {label["label"] for label in record["labels"]} == {"no", "yes", "maybe"}  # type: ignore[attr-defined]
    assert sum(label["score"] for label in record["labels"]) == pytest.approx(1)  # type: ignore[attr-defined]


def test_windows_are_averaged_by_the_tokens_that_they_own(folder: Path) -> None:
    model = load(folder, long="window")
    parts = [logits(model, " ".join(WORDS[start : start + 21])) for start in (0, 21, 42)]
    expected = (21 * parts[0] + 21 * parts[1] + 18 * parts[2]) / 60
    actual = logits(model, " ".join(WORDS))
    np.testing.assert_allclose(actual - actual[0], expected - expected[0], atol=1e-5)
    assert model.predict([" ".join(WORDS)])[0].reading.windows == 3


@pytest.mark.parametrize("pair", [(" ".join(WORDS), "w1"), ("w1", " ".join(WORDS))])
def test_either_text_of_a_pair_may_be_long(folder: Path, pair: tuple[str, str]) -> None:
    (result,) = load(folder, long="window").predict([pair])
    assert (result.reading.windows, result.reading.input_tokens) == (4, 64)


def test_the_callers_problem_goes_before_the_files(folder: Path) -> None:
    (one,) = load(folder, problem="multi-label").predict(["w1 w2"])
    (other,) = load(folder).predict(["w1 w2"])
    assert isinstance(one, Labels)
    assert isinstance(other, Labels)
    odds = {label.label: label.score / (1 - label.score) for label in one.labels}
    assert {l.label: l.score for l in other.labels} == pytest.approx(  # noqa: E741
        {label: odd / sum(odds.values()) for label, odd in odds.items()}, abs=1e-6
    )
    (named,) = load(folder, labels=["a", "b", "c"]).predict(["w1 w2"])
    assert isinstance(named, Labels)
    assert {label.label for label in named.labels} == {"a", "b", "c"}


def test_two_labels_without_names(tmp_path: Path) -> None:
    make_task_peer("text-classification", tmp_path, labels=["LABEL_0", "LABEL_1"])
    change_config(tmp_path, "id2label", "label2id")  # as transformers leaves them out
    (result,) = load(tmp_path).predict(["w1"])
    assert isinstance(result, Labels)
    assert {label.label for label in result.labels} == {"LABEL_0", "LABEL_1"}


def test_a_regression(tmp_path: Path) -> None:
    make_task_peer("text-classification", tmp_path, labels=["score"])
    (result,) = load(tmp_path).predict(["w1"])
    assert isinstance(result, Value)
    assert result.answer() == {"value": result.value}
    with pytest.raises(UserError, match="one label alone is always right"):
        load(tmp_path, problem="single-label")


def test_a_regression_of_several_numbers_gives_each_under_its_label(folder: Path) -> None:
    config = json.loads((folder / "config.json").read_text()) | {"problem_type": "regression"}
    (folder / "config.json").write_text(json.dumps(config))
    classify = pipeline("text-classification", model=str(folder), top_k=None, device="cpu")
    expected = [(one["label"], pytest.approx(one["score"], abs=1e-5)) for one in classify(["w1 w2"])[0]]
    (record,) = [one.record() for one in load(folder).predict(["w1 w2"])]
    assert [(one["label"], one["score"]) for one in record["labels"]] == expected  # type: ignore[attr-defined]


def test_names_left_over_from_another_classifier_give_way_to_a_number_of_labels_that_fits(folder: Path) -> None:
    change_config(folder, num_labels=3, id2label={"0": "no", "1": "yes"}, label2id={"no": 0, "yes": 1})
    (record,) = [one.record() for one in load(folder).predict(["w1"])]
    assert {one["label"] for one in record["labels"]} == {"LABEL_0", "LABEL_1", "LABEL_2"}  # type: ignore[attr-defined]
    change_config(folder, num_labels=2, id2label={"0": "a", "1": "b", "2": "c"})
    (record,) = [one.record() for one in load(folder).predict(["w1"])]
    assert {one["label"] for one in record["labels"]} == {"a", "b", "c"}  # type: ignore[attr-defined]


BAD_CONFIGS: dict[str, tuple[dict[str, object], type[BertkitError], str]] = {
    "too few": (
        {"id2label": {"0": "a", "1": "b"}},
        BadCheckpoint,
        r"config\.json: 2 labels, but the classifier has 3 rows",
    ),
    "too many": (
        {"id2label": {str(i): str(i) for i in range(5)}},
        BadCheckpoint,
        r"config\.json: 5 labels, but the classifier has 3 rows",
    ),
    "a gap": (
        {"id2label": {"0": "a", "1": "b", "3": "c"}},
        ConfigError,
        r"config\.json: id2label has 3 labels, but none of id 2",
    ),
    "a list": ({"id2label": ["a", "b", "c"]}, ConfigError, r"config\.json: id2label: an object is expected"),
    "none": ({"id2label": {}}, ConfigError, r"config\.json: id2label: an object is expected, not {}"),
    "a strange problem": (
        {"problem_type": "clustering"},
        ConfigError,
        r"config\.json: problem_type = 'clustering' is not known",
    ),
    "a number that is none": (
        {"id2label": None, "num_labels": "three"},
        ConfigError,
        r"config\.json: num_labels is 'three', not a number of labels, 1 to 1000000",
    ),
}


@pytest.mark.parametrize(("change", "kind", "message"), BAD_CONFIGS.values(), ids=BAD_CONFIGS)
def test_bad_configs(folder: Path, change: dict[str, object], kind: type[BertkitError], message: str) -> None:
    change_config(folder, **change)
    with pytest.raises(kind, match=message):
        load(folder)


def test_labels_that_are_missing(folder: Path) -> None:
    change_config(folder, "id2label")
    with pytest.raises(
        BadCheckpoint, match=r"config\.json: 2 labels \(no id2label, which means as many\), but the classifier has 3"
    ):
        load(folder)
    change_config(folder, num_labels=3)
    (result,) = load(folder).predict(["w1"])
    assert isinstance(result, Labels)
    assert {label.label for label in result.labels} == {"LABEL_0", "LABEL_1", "LABEL_2"}


def test_bad_options(folder: Path) -> None:
    with pytest.raises(UserError, match=r"unknown problem 'multilabel' \(did you mean 'multi-label'\?\)"):
        load(folder, problem="multilabel")
    with pytest.raises(MissingHead, match="no head for token-classification") as caught:
        load(folder, task="token-classification")
    assert "This checkpoint can do: text-classification" in caught.value.remedy


def test_the_best_labels_are_given_where_few_are_asked_for(folder: Path) -> None:
    whole = load(folder).predict(["a b c"])[0]
    for count in (1, 2, 100):
        few = load(folder, top_k=count).predict(["a b c"])[0]
        assert few.record()["labels"] == whole.record()["labels"][:count]  # type: ignore[index]
    with pytest.raises(UserError, match="top_k is 0"):
        load(folder, top_k=0)
