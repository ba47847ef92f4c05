from __future__ import annotations

import pickle
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow
import pytest
from scipy.sparse import csr_matrix
from sklearn.base import clone, is_classifier
from sklearn.calibration import CalibratedClassifierCV
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import FunctionTransformer

import bertkit
from bertkit.errors import ConfigError, InputError
from bertkit.sklearn import TextClassifier
from tests.sklearn.small_estimators import LABELS, TEXTS, small_encoder


class Series:
    """A column as pandas has it: values one by one, and an index that is not looked at."""

    def __init__(self, values: list[Any]) -> None:
        self._values = values

    def __iter__(self) -> Iterator[Any]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __getitem__(self, place: Any) -> Any:
        return self._values[place]

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        return np.array(self._values, dtype)

    def to_list(self) -> list[Any]:
        return self._values


@pytest.fixture(scope="module")
def encoder(tmp_path_factory: pytest.TempPathFactory) -> str:
    return small_encoder(tmp_path_factory.mktemp("encoder"))


@pytest.fixture(scope="module")
def quick(encoder: str) -> TextClassifier:
    return TextClassifier(encoder, quick=True)


@pytest.fixture(scope="module")
def fitted(quick: TextClassifier) -> TextClassifier:
    return clone(quick).fit(TEXTS, LABELS)


def test_parameters_are_those_it_was_made_with(encoder: str) -> None:
    made = TextClassifier(encoder, epochs=2, random_state=7)
    parameters = made.get_params()
    assert (parameters["model"], parameters["epochs"], parameters["random_state"]) == (encoder, 2, 7)
    assert made.set_params(epochs=3, quick=True) is made
    assert (made.epochs, made.quick) == (3, True)
    assert clone(made).get_params() == made.get_params()
    assert repr(TextClassifier(quick=True, random_state=7)) == "TextClassifier(quick=True, random_state=7)"
    assert is_classifier(made)
    with pytest.raises(ValueError, match="Invalid parameter"):
        made.set_params(epoch=3)


def test_it_learns_and_answers(fitted: TextClassifier) -> None:
    assert fitted.classes_.tolist() == ["bad", "good"]
    assert fitted.score(TEXTS, LABELS) == 1
    scores_NC = fitted.predict_proba(TEXTS)
    assert scores_NC.shape == (30, 2)
    np.testing.assert_allclose(scores_NC.sum(1), 1, atol=1e-6)
    np.testing.assert_array_equal(fitted.classes_[scores_NC.argmax(1)], fitted.predict(TEXTS))


@pytest.mark.parametrize("shape", [np.array, Series, pyarrow.array, lambda texts: np.array(texts, object)[:, None]])
def test_texts_and_labels_in_any_container(
    quick: TextClassifier, fitted: TextClassifier, shape: Callable[[Any], Any]
) -> None:
    np.testing.assert_allclose(fitted.predict_proba(shape(TEXTS)), fitted.predict_proba(TEXTS), atol=1e-6)
    labels = Series(LABELS) if shape is Series else np.array(LABELS)
    again = clone(quick).fit(shape(TEXTS), labels)
    np.testing.assert_allclose(again.predict_proba(TEXTS), fitted.predict_proba(TEXTS), atol=1e-6)


def test_fitted_twice_it_is_the_same_and_by_another_seed_another(encoder: str) -> None:
    made = TextClassifier(encoder, epochs=1, random_state=3)
    first = made.fit(TEXTS, LABELS).predict_proba(TEXTS)
    np.testing.assert_array_equal(made.fit(TEXTS, LABELS).predict_proba(TEXTS), first)
    drawn = clone(made).set_params(random_state=np.random.RandomState(0), quick=True).fit(TEXTS, LABELS)
    assert np.abs(drawn.predict_proba(TEXTS) - first).max() > 0


def test_a_pickle_has_the_model_whole(quick: TextClassifier, tmp_path: Path) -> None:
    made = clone(quick).fit(TEXTS, LABELS)
    expected, folder = made.predict_proba(TEXTS), made.tuned_.folder
    content = pickle.dumps(made)
    unfitted = pickle.loads(pickle.dumps(clone(made)))
    assert unfitted.get_params() == made.get_params()
    del made
    assert not folder.exists()
    np.testing.assert_array_equal(pickle.loads(content).predict_proba(TEXTS), expected)
    pickle.loads(content).save(tmp_path / "kept")
    np.testing.assert_array_equal(bertkit.load(tmp_path / "kept").predict_proba(TEXTS), expected)


def test_not_fitted(quick: TextClassifier, tmp_path: Path) -> None:
    for call in (clone(quick).predict, clone(quick).predict_proba, lambda texts: clone(quick).save(tmp_path / "none")):
        with pytest.raises(NotFittedError, match="TextClassifier instance is not fitted yet"):
            call(TEXTS)


@pytest.mark.parametrize("labels", [[0, 1], [-1, 1], [False, True], ["0", "1"]], ids=str)
def test_classes_keep_their_type(quick: TextClassifier, labels: list[Any]) -> None:
    y = [labels[label == "good"] for label in LABELS]
    made = clone(quick).fit(TEXTS, np.array(y))
    assert made.classes_.tolist() == sorted(labels)
    assert made.predict(TEXTS).tolist() == y
    assert made.predict(TEXTS).dtype == made.classes_.dtype


@pytest.mark.parametrize("form", [np.array, csr_matrix])
def test_several_labels_a_text(quick: TextClassifier, form: Callable[[Any], Any]) -> None:
    chosen_NC = np.array([[text.startswith(("w1 ", "w2 ", "w3 ")), "w31" in text, "w40" in text] for text in TEXTS]) * 1
    made = clone(quick).fit(TEXTS, form(chosen_NC))
    assert made.classes_.tolist() == [0, 1, 2]
    assert made.predict_proba(TEXTS).shape == (30, 3)
    assert made.predict_proba(TEXTS)[:, 2].max() < 0.5  # no text has it
    assert (made.predict(TEXTS) == chosen_NC).mean() > 0.9


def test_pairs(quick: TextClassifier) -> None:
    pairs = list(zip(TEXTS, TEXTS[::-1], strict=True))
    made = clone(quick).fit(pairs, LABELS)
    np.testing.assert_array_equal(made.predict(pairs), made.predict(np.array(pairs)))


def test_in_a_pipeline_a_search_and_a_calibration(quick: TextClassifier) -> None:
    lower = FunctionTransformer(lambda texts: [text.lower() for text in texts])
    chain = Pipeline([("lower", lower), ("classify", clone(quick))])
    loud = [text.upper() for text in TEXTS]
    search = GridSearchCV(chain, {"classify__random_state": [1]}, cv=2, error_score="raise").fit(loud, LABELS)
    assert search.best_params_ == {"classify__random_state": 1}
    assert search.score(loud, LABELS) > 0.9
    calibrated = CalibratedClassifierCV(clone(quick), cv=2).fit(TEXTS, LABELS)
    assert calibrated.predict_proba(TEXTS).shape == (30, 2)
    assert calibrated.classes_.tolist() == ["bad", "good"]


def test_what_cannot_be_learnt(quick: TextClassifier, fitted: TextClassifier, encoder: str) -> None:
    with pytest.raises(InputError, match="row 2: the text is missing"):
        clone(quick).fit([TEXTS[0], None, *TEXTS[2:]], LABELS)
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        clone(quick).fit(TEXTS, LABELS[1:])
    with pytest.raises(ValueError, match="Unknown label type"):
        clone(quick).fit(TEXTS, [1.5 + (label == "good") for label in LABELS])
    with pytest.raises(InputError, match="X is of type str, not several texts"):
        clone(quick).fit("a text", ["a label"])
    with pytest.raises(InputError, match="X is of type tuple, not several texts"):
        fitted.predict(tuple(TEXTS))  # as everywhere in bertkit a tuple is one row
    with pytest.raises(ConfigError, match="did you mean 'patience'"):
        TextClassifier(encoder, settings={"train.patiens": 3}).fit(TEXTS, LABELS)
