from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from bertkit.exports.trial import LONGEST, make_trial
from bertkit.tokenization.tokenizer import Tokenizer
from tests.exports.tiny_models import write_tokenizer


@pytest.fixture
def tokenizer(tmp_path: Path) -> Tokenizer:
    write_tokenizer(tmp_path)
    return Tokenizer.load(tmp_path)


@pytest.mark.parametrize("most", [1, 2, 5, 29, 512])
def test_every_kind_of_length_up_to_the_longest(tokenizer: Tokenizer, most: int) -> None:
    trial = make_trial(tokenizer, most, named=False)
    lengths = sorted(length for batch in trial.batches for length in batch.lengths)
    assert lengths == sorted(trial.lengths)
    assert (lengths[0], lengths[-1]) == (1, most)
    assert {length for length in (2, 3, 5, 8, 16) if length <= most} <= set(lengths)
    assert all(batch.output_indices_M is None for batch in trial.batches)
    assert any(1 in batch.segments_T for batch in trial.batches) == (most >= 5)


def test_a_very_long_text_is_not_tried(tokenizer: Tokenizer) -> None:
    assert max(make_trial(tokenizer, 8_192, named=False).lengths) == LONGEST


def test_a_token_of_each_is_named(tokenizer: Tokenizer) -> None:
    for batch in make_trial(tokenizer, 29, named=True).batches:
        starts = np.cumsum(batch.lengths) - batch.lengths
        assert batch.output_indices_M is not None
        np.testing.assert_array_equal(batch.output_indices_M, starts + np.array(batch.lengths) // 2)
