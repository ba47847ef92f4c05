from __future__ import annotations

import numpy as np
from sklearn.feature_extraction.text import TfidfVectorizer

from bertkit.metrics.tfidf import WORD, TfIdf

TEXTS = ["The cat sat.", "the dog sat, and the cat", "", "A dog!"]


def test_it_is_what_the_usual_library_makes() -> None:
    theirs = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True, token_pattern=WORD.pattern, dtype=np.float32)
    expected = theirs.fit_transform(TEXTS).toarray()
    ours = TfIdf.of([[text] for text in TEXTS], most=1_000)
    found = ours([[text] for text in TEXTS]).toarray()
    places = [ours.columns[0, str(name)] for name in theirs.get_feature_names_out()]
    np.testing.assert_allclose(found[:, places], expected, atol=1e-6)
    assert len(places) == found.shape[1]


def test_the_commonest_columns_are_kept() -> None:
    ours = TfIdf.of([[text] for text in TEXTS], most=3)
    assert set(ours.columns) == {(0, "cat"), (0, "dog"), (0, "sat")}, "of as many rows, the first by name"
    assert ours([["unheard of"]]).nnz == 0


def test_texts_of_a_row_have_columns_of_their_own() -> None:
    ours = TfIdf.of([["one", "two"], ["two", "one"]], most=10)
    assert set(ours.columns) == {(0, "one"), (1, "two"), (0, "two"), (1, "one")}
