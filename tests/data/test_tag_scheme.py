from __future__ import annotations

import pytest

from bertkit.data.conll import spans_of
from bertkit.data.examples import Example, Tagged
from bertkit.data.rows import Row
from bertkit.data.tag_scheme import check_scheme
from bertkit.errors import InputError


def sentence(place: str, *tags: str) -> Example:
    words = [f"word{number}" for number in range(len(tags))]
    return Example(Row({"text": " ".join(words)}, place), Tagged(spans_of(words), tags), place)


@pytest.mark.parametrize("odd", ["PER", "X-PER", "b-PER", "_", "B-"])
def test_a_tag_without_a_prefix_among_others(odd: str) -> None:
    with pytest.raises(InputError) as caught:
        check_scheme([sentence("a.conll:1", "B-PER", "O"), sentence("a.conll:4", "O", odd)])
    assert caught.value.what == f"a.conll:4: the tag {odd!r} of word 2, 'word1', has no prefix, and others have"


@pytest.mark.parametrize(
    "tags", [("B-PER", "I-PER", "O"), ("NOUN", "VERB"), ("U-PER", "B_LOC", "L-LOC"), ("E-MAIL", "X")]
)
def test_one_way_of_writing(tags: tuple[str, ...]) -> None:
    check_scheme([sentence("a.conll:1", *tags)])
