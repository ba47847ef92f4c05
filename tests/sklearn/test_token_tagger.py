from __future__ import annotations

import pickle
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from bertkit.errors import InputError
from bertkit.sklearn import TokenTagger
from bertkit.sklearn.token_tagger import Scheme
from tests.sklearn.small_estimators import SENTENCES, TAGS, small_encoder


@pytest.fixture(scope="module")
def encoder(tmp_path_factory: pytest.TempPathFactory) -> str:
    return small_encoder(tmp_path_factory.mktemp("encoder"))


@pytest.fixture(scope="module")
def quick(encoder: str) -> TokenTagger:
    return TokenTagger(encoder, quick=True)


@pytest.fixture(scope="module")
def fitted(quick: TokenTagger) -> TokenTagger:
    return clone(quick).fit(SENTENCES, TAGS)


def objects(lists: list[list[str]]) -> Any:
    array = np.empty(len(lists), object)
    array[:] = lists
    return array


def test_parameters_are_those_it_was_made_with(encoder: str) -> None:
    made = TokenTagger(encoder, epochs=2)
    assert clone(made).get_params() == made.get_params()
    assert made.set_params(epochs=3).get_params()["epochs"] == 3
    assert repr(TokenTagger(quick=True)) == "TokenTagger(quick=True)"


def test_it_learns_and_answers(fitted: TokenTagger) -> None:
    assert fitted.classes_.tolist() == ["B-LOC", "B-PER", "I-PER", "O"]
    assert fitted.score(SENTENCES, TAGS) == 1
    assert fitted.predict([SENTENCES[0], [], SENTENCES[-1]]) == [TAGS[0], [], TAGS[-1]]


@pytest.mark.parametrize("shape", [np.array, objects])
def test_sentences_in_any_container(quick: TokenTagger, fitted: TokenTagger, shape: Callable[[Any], Any]) -> None:
    assert fitted.predict(shape(SENTENCES)) == TAGS
    assert clone(quick).fit(shape(SENTENCES), shape(TAGS)).predict(SENTENCES) == TAGS


def test_fitted_twice_it_is_the_same_and_so_is_its_pickle(quick: TokenTagger) -> None:
    made = clone(quick)
    first = made.fit(SENTENCES, TAGS).predict(SENTENCES)
    assert made.fit(SENTENCES, TAGS).predict(SENTENCES) == first
    assert pickle.loads(pickle.dumps(made)).predict(SENTENCES) == first


def test_not_fitted(quick: TokenTagger) -> None:
    for call in (clone(quick).predict, lambda sentences: clone(quick).score(sentences, TAGS)):
        with pytest.raises(NotFittedError, match="TokenTagger instance is not fitted yet"):
            call(SENTENCES)


@pytest.mark.parametrize(
    ("tags", "same"),
    [
        (["O", "B-X", "I-X"], ["B-X", "I-X", "I-X", "O", "B-X", "B-X"]),
        (["O", "B-X", "I-X", "E-X", "S-X"], ["B-X", "I-X", "E-X", "O", "S-X", "S-X"]),
        (["O", "B-X", "I-X", "L-X", "U-X"], ["B-X", "I-X", "L-X", "O", "U-X", "U-X"]),
        (["O", "B-X", "M-X", "E-X", "S-X"], ["B-X", "M-X", "E-X", "O", "S-X", "S-X"]),
        (["o", "b-X", "i-X"], ["b-X", "i-X", "i-X", "o", "b-X", "b-X"]),
        (["O", "X"], ["X", "X", "X", "O", "X", "X"]),
    ],
)
def test_entities_are_written_in_the_scheme_that_was_learnt(tags: list[str], same: list[str]) -> None:
    assert Scheme(tags).written(["B-X", "I-X", "I-X", "O", "B-X", "B-X"]) == same


def test_in_a_pipeline_and_a_search(quick: TokenTagger) -> None:
    lower = FunctionTransformer(lambda rows: [[word.lower() for word in words] for words in rows])
    chain = make_pipeline(lower, clone(quick))
    loud = [[word.upper() for word in words] for words in SENTENCES]
    search = GridSearchCV(chain, {"tokentagger__random_state": [1]}, cv=2, error_score="raise").fit(loud, TAGS)
    assert search.score(loud, TAGS) > 0.9


def test_what_cannot_be_learnt(quick: TokenTagger) -> None:
    with pytest.raises(InputError, match="row 1: of type str, not a list of words"):
        clone(quick).fit(["a text"], [["O"]])
    with pytest.raises(InputError, match="row 2: 3 is no text"):
        clone(quick).fit([["a"], ["b", 3]], [["O"], ["O", "O"]])
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        clone(quick).fit(SENTENCES, TAGS[1:])
    with pytest.raises(InputError, match="row 1: 3 words and 2 tags"):
        clone(quick).fit(SENTENCES, [["O", "O"], *TAGS[1:]])
