from __future__ import annotations

from pathlib import Path

import pytest

from bertkit.labelled.examples import Tagged
from bertkit.labelled.reading import is_labelled, read_examples
from tests.labelled.example_files import examples_of, refusal, written

TASK = "token-classification"
KAGGLE = "Sentence #,Word,POS,Tag\nSentence: 1,Ada,NNP,B-PER\n,slept,VBD,O\nSentence: 2,He,PRP,O\n"


def test_the_column_of_tags_may_be_another(tmp_path: Path) -> None:
    path = written(tmp_path, "a.csv", KAGGLE)
    first, second = read_examples(path, TASK, columns={"label": "POS"})
    assert first.target == Tagged(((0, 3), (4, 9)), ("NNP", "VBD"))
    assert (first.id, second.id, second.row.place) == ("Sentence: 1", "Sentence: 2", f"{path}:4")
    assert is_labelled(path, TASK)


def test_numbers_of_sentences_that_stand_in_every_row(tmp_path: Path) -> None:
    words = [{"sentence_id": n, "word": word, "tag": "O"} for n, word in ((0, "a"), (0, "b"), (1, "c"), (0, "d"))]
    assert [one.row.fields["text"] for one in examples_of(tmp_path, TASK, *words)] == ["a b", "c", "d"]


@pytest.mark.parametrize(
    ("row", "told"),
    [
        ({"word": "a", "tag": "O"}, ":1: a word, and no column that says which sentence it is of"),
        ({"sentence_id": 1, "word": "b", "tag": ""}, ":1: 'label'[0] is '', not the name of a tag"),
        ({"sentence_id": 1, "word": "b"}, ": no column 'label'; the columns are 'text', 'tokens', 'id'"),
    ],
)
def test_a_bad_row_is_told(tmp_path: Path, row: dict[str, object], told: str) -> None:
    assert refusal(tmp_path, TASK, row) == f"rows.jsonl{told}"


def test_a_row_without_a_word_is_told(tmp_path: Path) -> None:
    good = {"sentence_id": 1, "word": "a", "tag": "O"}
    assert refusal(tmp_path, TASK, good, {**good, "word": " "}) == "rows.jsonl:2: the field 'word' is empty"


def test_lists_of_words_are_no_words(tmp_path: Path) -> None:
    row = {"sentence_id": 3, "tokens": "['a', 'b']", "tags": "['O', 'O']"}
    assert [one.row.fields["text"] for one in examples_of(tmp_path, TASK, row)] == ["a b"]
