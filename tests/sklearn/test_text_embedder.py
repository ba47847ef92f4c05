from __future__ import annotations

import pickle

import numpy as np
import pyarrow
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline

import bertkit
from bertkit.errors import InputError
from bertkit.sklearn import TextEmbedder
from tests.formats.test_frames import Frame
from tests.sklearn.small_estimators import LABELS, TEXTS, small_encoder


@pytest.fixture(scope="module")
def encoder(tmp_path_factory: pytest.TempPathFactory) -> str:
    return small_encoder(tmp_path_factory.mktemp("encoder"))


@pytest.fixture(scope="module")
def fitted(encoder: str) -> TextEmbedder:
    return TextEmbedder(encoder).fit(TEXTS)


def test_parameters_are_those_it_was_made_with(encoder: str) -> None:
    made = TextEmbedder(encoder, truncate_dim=8)
    assert clone(made).get_params() == made.get_params()
    assert made.set_params(truncate_dim=4).get_params()["truncate_dim"] == 4
    assert repr(TextEmbedder(truncate_dim=4)) == "TextEmbedder(truncate_dim=4)"
    assert made.fit_transform(TEXTS).shape == (30, 4)


def test_vectors_are_those_of_encode(fitted: TextEmbedder, encoder: str) -> None:
    expected = bertkit.load(encoder, task="sentence-embedding").encode(TEXTS)
    for texts in (TEXTS, np.array(TEXTS), pyarrow.array(TEXTS), Frame({"text": TEXTS}), np.array(TEXTS)[:, None]):
        np.testing.assert_array_equal(fitted.transform(texts), expected)
    assert fitted.n_features_ == expected.shape[1]
    assert fitted.get_feature_names_out()[0] == "textembedder0"
    assert len(fitted.get_feature_names_out()) == fitted.n_features_


def test_a_pickle_has_no_weights(fitted: TextEmbedder) -> None:
    content = pickle.dumps(fitted)
    assert len(content) < 2000
    np.testing.assert_array_equal(pickle.loads(content).transform(TEXTS), fitted.transform(TEXTS))


def test_not_fitted_and_no_texts(encoder: str, fitted: TextEmbedder) -> None:
    with pytest.raises(NotFittedError, match="TextEmbedder instance is not fitted yet"):
        TextEmbedder(encoder).transform(TEXTS)
    with pytest.raises(InputError, match="not several texts"):
        fitted.transform("a text")
    with pytest.raises(InputError, match="row 2: the text is missing"):
        fitted.transform(["w1", None])


def test_in_a_pipeline_that_is_searched(encoder: str) -> None:
    chain = make_pipeline(TextEmbedder(encoder), LogisticRegression(C=100))
    assert chain.fit(TEXTS, LABELS).score(TEXTS, LABELS) > 0.9
    search = GridSearchCV(chain, {"textembedder__truncate_dim": [4, None]}, cv=2, error_score="raise")
    assert search.fit(TEXTS, LABELS).predict(TEXTS).shape == (30,)
