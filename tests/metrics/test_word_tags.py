from __future__ import annotations

import pytest

from bertkit.formats.rows import Row
from bertkit.labelled.examples import Example, Tagged
from bertkit.metrics.results import PredictedEntity
from bertkit.metrics.word_tags import as_iob2, in_iob2, tags_of_words

IOB2 = ["B-PER", "I-PER", "B-PER", "O", "B-LOC", "B-ORG"]


@pytest.mark.parametrize(
    "tags",
    [
        IOB2,
        ["I-PER", "I-PER", "B-PER", "O", "I-LOC", "I-ORG"],  # IOB1
        ["B-PER", "E-PER", "S-PER", "O", "S-LOC", "S-ORG"],  # BIOES
        ["I-PER", "E-PER", "I-PER", "O", "I-LOC", "I-ORG"],  # IOE1
    ],
    ids=["IOB2", "IOB1", "BIOES", "IOE1"],
)
def test_every_scheme_becomes_one(tags: list[str]) -> None:
    others = ["B-PER", "I-PER", "B-LOC", "I-LOC", "B-ORG", "I-ORG"]  # elsewhere in the data
    assert as_iob2([tags, others])[0] == IOB2


def test_the_labels_of_a_model_tell_what_the_tags_of_a_small_file_are() -> None:
    alone, labels = ["PER-B", "O"], ["O", "PER-B", "PER-I"]
    assert as_iob2([alone]) == [["B-PER-B", "O"]]
    assert as_iob2([alone], labels) == [["B-PER", "O"]]
    assert as_iob2([["B-PER", "O"]], labels) == [["B-PER", "O"]]  # another scheme than the model's


def test_examples_in_iob2() -> None:
    tagged = Example(Row({"text": "Ada saw"}, "a:1"), Tagged(((0, 3), (4, 7)), ("S-PER", "O")), "0")
    other = Example(Row({"text": "Ada"}, "a:2"), "label", "1")
    changed, same = in_iob2([tagged, other], [])
    assert changed.target == Tagged(((0, 3), (4, 7)), ("B-PER", "O"))
    assert same is other


# Ada Lovelace-Byron saw Rome
WORDS = [(0, 3), (4, 18), (19, 22), (23, 27)]


@pytest.mark.parametrize(
    ("entities", "tags"),
    [
        ([], "O O O O"),
        ([("PER", 0, 18), ("LOC", 23, 27)], "B-PER I-PER O B-LOC"),
        ([("LOC", 23, 27), ("PER", 0, 3), ("PER", 4, 12)], "B-PER B-PER O B-LOC"),  # any order; a part of a word
        ([("PER", 0, 12), ("MISC", 13, 18)], "B-PER I-PER O O"),  # the earlier has the word
        ([("PER", 3, 4), ("PER", 18, 19), ("PER", 27, 40)], "O O O O"),  # between words, after the last
        ([("X", 2, 24)], "B-X I-X I-X I-X"),
    ],
)
def test_an_entity_covers_the_words_that_it_overlaps(entities: list[tuple[str, int, int]], tags: str) -> None:
    assert tags_of_words(WORDS, [PredictedEntity(*one) for one in entities]) == tags.split()
