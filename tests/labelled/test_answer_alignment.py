"""Answers that do not match their context, in both kinds of files."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from bertkit.errors import InputError
from bertkit.labelled.examples import Example, References
from bertkit.labelled.reading import read_examples
from tests.labelled.example_files import as_jsonl, written

CONTEXT = "one two three"
GOOD, BAD = {"text": "two", "answer_start": 4}, {"text": "two", "answer_start": 5}
QUESTIONS = [[GOOD], [BAD], [BAD, GOOD], [], [BAD, BAD], [BAD]]


def squad(folder: Path) -> str:
    asked = [{"id": f"q{at}", "question": "which?", "answers": answers} for at, answers in enumerate(QUESTIONS)]
    return written(folder, "a.json", json.dumps({"data": [{"paragraphs": [{"context": CONTEXT, "qas": asked}]}]}))


def rows(folder: Path) -> str:
    asked = [
        {"id": f"q{at}", "question": "which?", "context": CONTEXT, "answers": answers}
        for at, answers in enumerate(QUESTIONS)
    ]
    return written(folder, "a.jsonl", as_jsonl(*asked))


def read(path: str, dropped: Callable[[str], None] | None = None) -> list[Example]:
    return list(read_examples(path, "question-answering", dropped=dropped))


@pytest.mark.parametrize("make", [squad, rows])
def test_all_are_counted_and_the_first_are_listed(make: Callable[[Path], str], tmp_path: Path) -> None:
    path = make(tmp_path)
    with pytest.raises(InputError) as caught:
        read(path)
    assert caught.value.what.startswith(f"{path}: 5 answers of 4 questions do not match their context: {path}:")
    assert [f"(question 'q{at}')" in caught.value.what for at in range(6)] == [False, True, True, False, True, False]
    assert caught.value.what.endswith("; and 2 more")
    assert "--bad-answers drop" in caught.value.remedy


@pytest.mark.parametrize("make", [squad, rows])
def test_with_consent_they_are_left_out_and_no_question_loses_its_answer(
    make: Callable[[Path], str], tmp_path: Path
) -> None:
    path = make(tmp_path)
    told: list[str] = []
    found = {one.id: one.target for one in read(path, told.append)}
    assert found == {"q0": References(("two",), (4,)), "q2": References(("two",), (4,)), "q3": References((), ())}
    [line] = told
    assert line.startswith(f"{path}: dropped 5 answers of 4 questions, which do not match their context, and 3 ques")


def test_nothing_is_told_where_all_match(tmp_path: Path) -> None:
    told: list[str] = []
    path = written(tmp_path, "a.jsonl", as_jsonl({"question": "which?", "context": CONTEXT, "answer": "two"}))
    assert [one.target for one in read(path, told.append)] == [References(("two",), (4,))]
    assert told == []
