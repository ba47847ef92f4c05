from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from bertkit.config.data_source import RowsInMemory
from bertkit.config.evaluation import EvaluateConfig
from bertkit.errors import InputError
from bertkit.workflows.labelled_data import Notes, labelled_examples, name_of_data, sha256_of_data
from tests.workflows.small import Remembers, write_table

ROWS: list[dict[str, object]] = [{"sentence1": "a", "sentence2": "b", "score": score} for score in (0, 2, 5)]


def test_each_note_is_told_and_kept() -> None:
    observer = Remembers()
    notes = Notes(observer)
    notes.note("one")
    notes.note("another")
    assert notes == observer.said == ["one", "another"]


def test_examples_are_read_from_wherever_they_are(tmp_path: Path) -> None:
    path = write_table(tmp_path / "pairs.tsv", ROWS)
    notes: list[str] = []
    found = [
        list(labelled_examples(EvaluateConfig(data=data), "sentence-embedding", notes.append))
        for data in (path, RowsInMemory("pairs", ROWS))
    ]
    assert [one.target for one in found[0]] == [one.target for one in found[1]] == [0.0, 2.0, 5.0]
    assert any("0 to 5" in note for note in notes), "which scores are the cosines is said"


def test_answers_that_do_not_stand_in_their_context_are_dropped_only_if_asked(tmp_path: Path) -> None:
    wrong = {"text": ["dog"], "answer_start": [0]}
    rows = [
        {"question": "q", "context": "a cat", "answers": {"text": ["cat"], "answer_start": [2]}},
        {"question": "q", "context": "a cat", "answers": wrong},
    ]
    config = EvaluateConfig(data=RowsInMemory("answers", rows))
    with pytest.raises(InputError):
        labelled_examples(config, "question-answering", print)
    notes: list[str] = []
    dropping = config.model_copy(update={"bad_answers": "drop"})
    assert labelled_examples(dropping, "question-answering", notes.append)
    assert notes


def test_data_is_known_again_by_its_content(tmp_path: Path) -> None:
    one, other = tmp_path / "one", tmp_path / "other"
    one.write_bytes(b"a")
    other.write_bytes(b"b")
    sha = hashlib.sha256(b"a").hexdigest()
    assert sha256_of_data(str(one)) == sha256_of_data([str(one)]) == sha
    both = sha256_of_data([str(one), str(other)])
    assert both not in (None, sha, sha256_of_data([str(other), str(one)]))
    rows = RowsInMemory("rows", [{"text": "x"}])
    assert sha256_of_data(rows) == rows.sha256
    assert sha256_of_data("-") is None, "what can be read only once has none"
    assert sha256_of_data([str(one), "-"]) is None
    assert name_of_data("data/train.tsv") == "data/train.tsv"
    assert name_of_data([rows, "x"]) == "rows and 1 more"
