from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from bertkit.labelled.examples import Tagged
from bertkit.labelled.tagged_rows import tagged
from tests.labelled.example_files import examples_of, refusal

TASK = "token-classification"
TEXT = "Ada Lovelace (London), 1843."


def entity(text: str, label: str, within: str = TEXT) -> dict[str, object]:
    start = within.index(text)
    return {"start": start, "end": start + len(text), "label": label}


@pytest.mark.parametrize(("words", "tags"), [("tokens", "ner_tags"), ("words", "tags"), ("tokens", "labels")])
def test_words_and_tags_as_lists(tmp_path: Path, words: str, tags: str) -> None:
    (example,) = examples_of(tmp_path, TASK, {words: ["Ada", "sang"], tags: ["B-PER", " O"], "id": "x"})
    assert example.row.fields == {"text": "Ada sang"}
    assert example.target == Tagged(((0, 3), (4, 8)), ("B-PER", "O"))
    assert example.id == "x"


def test_lists_by_columns_and_as_json(tmp_path: Path) -> None:
    row = {"tokens": '["Ada"]', "ner_tags": ["O"], "pos_tags": '["NNP"]'}
    (example,) = examples_of(tmp_path, TASK, row, label="pos_tags")
    assert example.target == Tagged(((0, 3),), ("NNP",))


def test_entities_become_tags_of_words(tmp_path: Path) -> None:
    row = {"text": TEXT, "entities": [entity("London", "LOC"), entity("Ada Lovelace", "PER")]}
    (example,) = examples_of(tmp_path, TASK, row)
    assert isinstance(example.target, Tagged)
    words = [TEXT[start:end] for start, end in example.target.words]
    assert words == ["Ada", "Lovelace", "(", "London", ")", ",", "1843", "."]
    assert example.target.tags == ("B-PER", "I-PER", "O", "B-LOC", "O", "O", "O", "O")


def test_neighbouring_entities_are_two() -> None:
    text = "Ada Bo"
    assert tagged(text, [entity("Ada", "PER", text), entity("Bo", "PER", text)], "a:1").tags == ("B-PER", "B-PER")


def test_white_space_at_the_ends_of_an_entity_does_not_matter() -> None:
    assert tagged("I saw Ada .", [{"start": 5, "end": 10, "label": "PER"}], "a:1").tags == ("O", "O", "B-PER", "O")


def test_characters_of_scripts_without_spaces_are_words() -> None:
    assert tagged("我在北京。", [{"start": 2, "end": 4, "label": "LOC"}], "a:1").tags == (
        "O",
        "O",
        "B-LOC",
        "I-LOC",
        "O",
    )


def test_what_predict_writes_can_be_read() -> None:
    written = {"label": "PER", "score": 0.99, "text": "Ada", "start": 0, "end": 3}
    assert tagged("Ada", [written], "a:1") == Tagged(((0, 3),), ("B-PER",))


@pytest.mark.parametrize(
    ("entities", "told"),
    [
        ([entity("Love", "PER")], "the entity 'Love' (4 to 8) cuts the word 'Lovelace'"),
        ([entity("lace", "PER")], "the entity 'lace' (8 to 12) cuts the word 'Lovelace'"),
        (
            [entity("Ada Lovelace", "PER"), entity("Lovelace", "LOC")],
            "the entity 'Lovelace' (4 to 12) overlaps another one",
        ),
        ([{"start": 3, "end": 4, "label": "PER"}], "the entity ' ' (3 to 4) has no word in it"),
        ([{"start": 3, "end": 3, "label": "PER"}], "no part of the text from 3 to 3 (it has 28 characters)"),
        ([{"start": 0, "end": 29, "label": "PER"}], "no part of the text from 0 to 29 (it has 28 characters)"),
        ([{"start": -1, "end": 3, "label": "PER"}], "no part of the text from -1 to 3 (it has 28 characters)"),
        ([{"start": True, "end": 3, "label": "PER"}], "no part of the text from True to 3 (it has 28 characters)"),
        ([{"start": 0, "label": "PER"}], "no part of the text from 0 to None (it has 28 characters)"),
        ([{"start": 0, "end": 3}], "the entity from 0 to 3 has the label None"),
        ([{"start": 0, "end": 3, "label": "PER", "text": "Eve"}], "from 0 to 3 the text has 'Ada', not 'Eve'"),
        ([[0, 3]], "the entity [0, 3] is not an object"),
        (None, "the field 'entities' is None, not a list"),
    ],
)
def test_a_bad_entity_is_told(tmp_path: Path, entities: object, told: str) -> None:
    assert refusal(tmp_path, TASK, {"text": TEXT, "entities": entities}) == f"rows.jsonl:1: {told}"


@pytest.mark.parametrize(
    ("row", "told"),
    [
        ({"tokens": ["a", "b"], "tags": ["O"]}, ":1: 2 words and 1 tags"),
        ({"tokens": ["a", ""], "tags": ["O", "O"]}, ":1: word 1: the field 'tokens' is empty"),
        ({"tokens": ["a", 2], "tags": ["O", "O"]}, ":1: word 1: the field 'tokens' is 2, not text"),
        ({"tokens": [], "tags": []}, ":1: no words"),
        ({"tokens": "a b", "tags": ["O"]}, ":1: the field 'tokens' is 'a b', not a list"),
        ({"tokens": ["a"], "tags": [3]}, ":1: 'tags'[0] is 3, not the name of a tag"),
        ({"tokens": ["a"], "tags": [""]}, ":1: 'tags'[0] is '', not the name of a tag"),
        ({"tokens": ["a"], "tags": None}, ":1: the field 'tags' is None, not a list"),
        ({"tokens": ["a"]}, ": no column 'label'; the columns are 'tokens'"),
        (
            {"tokens": ["a"], "tags": ["O"], "ner_tags": ["O"]},
            ": 'label' could be any of the columns 'tags', 'ner_tags'",
        ),
        ({"text": "a", "label": "x"}, ": neither words nor entities; the columns are 'text', 'label'"),
        ({"text": " ", "entities": []}, ":1: the field 'text' is empty"),
    ],
)
def test_a_bad_row_is_told(tmp_path: Path, row: dict[str, object], told: str) -> None:
    assert refusal(tmp_path, TASK, row) == f"rows.jsonl{told}"


def test_many_entities_are_found_as_by_a_look_at_every_word() -> None:
    random = np.random.default_rng(0)
    words = ["ab" * int(random.integers(1, 4)) for _ in range(80)]
    ends = np.cumsum([len(word) + 1 for word in words]) - 1
    starts = ends - [len(word) for word in words]
    chosen = [(first, first + int(random.integers(1, 3))) for first in range(0, 78, 3)]  # of these words each
    entities = [{"start": int(starts[a]), "end": int(ends[b - 1]), "label": "X"} for a, b in chosen]
    plain = ["O"] * len(words)
    for one in entities:
        inside = [n for n in range(len(words)) if starts[n] < one["end"] and one["start"] < ends[n]]
        plain[inside[0]] = "B-X"
        for number in inside[1:]:
            plain[number] = "I-X"
    found = tagged(" ".join(words), entities, "here")
    assert found.tags == tuple(plain)
    assert found.words == tuple(zip(starts.tolist(), ends.tolist(), strict=True))
