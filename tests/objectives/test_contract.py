from __future__ import annotations

import pytest

from bertkit.errors import TextTooLong
from bertkit.objectives.contract import ids_and_segments, whole
from bertkit.tokenization.windows import Encoded, Window
from tests.objectives.learnt_samples import example


def encoded(*windows: list[int]) -> Encoded:
    made = [Window(ids, [1] * len(ids), None, [range(len(ids))], [range(len(ids))]) for ids in windows]
    return Encoded(made, sum(map(len, windows)), truncated=False)


def test_sequences_of_a_sample() -> None:
    windows = [*encoded([2, 5, 3]).windows, *encoded([2, 3]).windows]
    assert ids_and_segments(windows) == (([2, 5, 3], [2, 3]), ([1, 1, 1], [1, 1]))


def test_what_is_learnt_from_whole_texts_only_is_in_one_window_each() -> None:
    one = example("good", text="x")
    assert [window.ids for window in whole(one, [encoded([2, 5, 3]), encoded([2, 3])])] == [[2, 5, 3], [2, 3]]
    with pytest.raises(TextTooLong, match=r"file\.tsv:3: the text has 5 tokens, more than the model reads") as caught:
        whole(one, [encoded([2, 3]), encoded([2, 5, 3], [2, 3])])
    assert "--long truncate" in caught.value.remedy
