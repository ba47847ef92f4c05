from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from bertkit.corpora.boundaries import distinct, document_token_ends, sentence_token_ends
from tests.corpora.shard_files import shard_of_lengths

LENGTHS = st.lists(st.lists(st.integers(0, 5), max_size=5), max_size=8)


@given(LENGTHS)
def test_what_has_no_token_has_no_end_of_its_own(documents: list[list[int]]) -> None:
    shard = shard_of_lengths(documents)
    sentences = [length for document in documents for length in document if length]
    whole = [sum(document) for document in documents if sum(document)]
    assert sentence_token_ends(shard).tolist() == [0, *np.cumsum(sentences).tolist()]
    assert document_token_ends(shard).tolist() == [0, *np.cumsum(whole).tolist()]


@given(st.lists(st.integers(0, 9), min_size=1))
def test_each_value_once(values: list[int]) -> None:
    assert distinct(np.array(sorted(values))).tolist() == sorted(set(values))
