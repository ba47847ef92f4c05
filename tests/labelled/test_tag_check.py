from __future__ import annotations

import pytest

from bertkit.errors import InputError
from bertkit.formats.rows import Row
from bertkit.labelled.conll import spans_of
from bertkit.labelled.examples import Example, Tagged
from bertkit.labelled.tag_check import check_scheme


def sentence(place: str, *tags: str) -> Example:
    words = [f"word{number}" for number in range(len(tags))]
    return Example(Row({"text": " ".join(words)}, place), Tagged(spans_of(words), tags), place)


@pytest.mark.parametrize("odd", ["PER", "X-PER", "b-PER", "_", "B-"])
def test_a_tag_without_a_prefix_among_others(odd: str) -> None:
    with pytest.raises(InputError) as caught:
        check_scheme([sentence("a.conll:1", "B-PER", "O"), sentence("a.conll:4", "O", odd)])
    assert caught.value.what == f"a.conll:4: the tag {odd!r} of word 2, 'word1', has no prefix, and others have"


@pytest.mark.parametrize(
    "tags", [("B-PER", "I-PER", "O"), ("NOUN", "VERB"), ("U-PER", "B_LOC", "L-LOC"), ("E-MAIL", "X"), ("o", "B-PER")]
)
def test_one_way_of_writing(tags: tuple[str, ...]) -> None:
    check_scheme([sentence("a.conll:1", *tags)])
