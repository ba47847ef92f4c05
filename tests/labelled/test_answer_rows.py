from __future__ import annotations

from pathlib import Path

import pytest

from bertkit.labelled.examples import References
from tests.labelled.example_files import examples_of, refusal

TASK = "question-answering"
CONTEXT = "É: built 1953, rebuilt 1953."
ROW = {"question": "When?", "context": CONTEXT}


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ({"answer": "1953"}, References(("1953",), (9,))),
        ({"answer": "1953", "answer_start": 23}, References(("1953",), (23,))),
        ({"answer": "1953", "answer_start": "23"}, References(("1953",), (23,))),
        ({"answer": "1953", "answer_start": ""}, References(("1953",), (9,))),
        ({"answer": ""}, References((), ())),
        ({"answer": None}, References((), ())),
        ({"answers": {"text": ["1953", "built"], "answer_start": [9, 3]}}, References(("1953", "built"), (9, 3))),
        ({"answers": {"text": ["1953", "built"], "answer_start": [23, None]}}, References(("1953", "built"), (23, 3))),
        ({"answers": {"text": ["rebuilt"]}}, References(("rebuilt",), (15,))),
        ({"answers": {"text": [], "answer_start": []}}, References((), ())),
        ({"answers": [{"text": "1953", "answer_start": 9}]}, References(("1953",), (9,))),
        ({"answers": ["1953", "É"]}, References(("1953", "É"), (9, 0))),
        ({"answers": []}, References((), ())),
        ({"answers": ["1953"], "answer_start": [23]}, References(("1953",), (23,))),
        ({"answers": '{"text": ["1953"], "answer_start": [23]}'}, References(("1953",), (23,))),
        ({"answers": "{'text': ['1953'], 'answer_start': [23]}"}, References(("1953",), (23,))),
        (
            {"answers": "{'text': array(['1953'], dtype=object), 'answer_start': array([23], dtype=int32)}"},
            References(("1953",), (23,)),
        ),
        ({"answers": '[{"text": "1953", "answer_start": 23}]'}, References(("1953",), (23,))),
        ({"answers": '["1953", "É"]'}, References(("1953", "É"), (9, 0))),
        ({"answer": "['1953']", "answer_start": "[23]"}, References(("1953",), (23,))),
        ({"answers": "['1953' 'É']"}, References(("1953", "É"), (9, 0))),
        ({"answers": "[]"}, References((), ())),
        ({"answers": '{"text": [], "answer_start": []}'}, References((), ())),
    ],
)
def test_answers_come_in_many_forms(tmp_path: Path, answer: dict[str, object], expected: References) -> None:
    (example,) = examples_of(tmp_path, TASK, ROW | answer)
    assert example.target == expected
    assert example.row.fields == ROW


@pytest.mark.parametrize("answer", ["[1]", "['a']", "{x}", '["b"'])
def test_an_answer_that_looks_like_a_list_and_is_in_the_context(tmp_path: Path, answer: str) -> None:
    (example,) = examples_of(tmp_path, TASK, {"question": "Which?", "context": f"see {answer} there", "answer": answer})
    assert example.target == References((answer,), (4,))


def test_the_answers_go_before_the_answer_and_other_names_are_known(tmp_path: Path) -> None:
    row = {"query": "When?", "passage": CONTEXT, "answers": ["É"], "answer": "1953", "id": "q1"}
    (example,) = examples_of(tmp_path, TASK, row)
    assert (example.target, example.row.fields, example.id) == (References(("É",), (0,)), ROW, "q1")
    (example,) = examples_of(tmp_path, TASK, ROW | {"gold": "built"}, answer="gold")
    assert example.target == References(("built",), (3,))


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        ({"answer": "1954"}, "answer: '1954' is not in the context (question '0')"),
        (
            {"answer": "1953", "answer_start": 10},
            "answer: 'answer_start' is 10, but '1953' is first at 9 in the context (question '0')",
        ),
        (
            {"answer": "1953", "answer_start": -5},
            "answer: 'answer_start' is -5, but '1953' is first at 9 in the context (question '0')",
        ),
        (
            {"answer": "x", "answer_start": 99},
            "answer: 'answer_start' is 99, but 'x' is nowhere in the context (question '0')",
        ),
        ({"answer": "1953", "answer_start": 9.5}, "answer: 'answer_start' is 9.5, not a whole number"),
        ({"answer": "1953", "answer_start": "here"}, "answer: 'answer_start' is 'here', not a whole number"),
        ({"answer": "1953", "answer_start": True}, "answer: 'answer_start' is True, not a whole number"),
        ({"answer": 1953}, "answer: 1953 is no answer"),
        ({"answer": " "}, "answer: ' ' is no answer"),
        (
            {"answers": {"text": ["1953"], "answer_start": []}},
            "answers: 'answer_start' is not a list as long as 'text' (1)",
        ),
        (
            {"answers": {"text": ["1953"], "answer_start": 9}},
            "answers: 'answer_start' is not a list as long as 'text' (1)",
        ),
        ({"answers": {"text": "1953"}}, "answers: no list 'text'"),
        ({"answers": [{"answer_start": 9}]}, "answers: None is no answer"),
        ({"answers": [""]}, "answers: '' is no answer"),
        ({"answers": '["1953"'}, "answers: '[\"1953\"' is neither JSON nor as Python prints it"),
        (
            {"answers": "{'text': array(['19"},
            "answers: \"{'text': array(['19\" is neither JSON nor as Python prints it",
        ),
        ({"answers": '["1954"]'}, "answers: '1954' is not in the context (question '0')"),
        ({"answers": ["1953"], "answer_start": [9, 23]}, "answers: 'answer_start' is not a list as long as 'text' (1)"),
    ],
)
def test_a_bad_answer_is_told(tmp_path: Path, answer: dict[str, object], told: str) -> None:
    assert refusal(tmp_path, TASK, ROW | answer) == f"rows.jsonl:1: {told}"


def test_missing_fields_are_told(tmp_path: Path) -> None:
    assert refusal(tmp_path, TASK, ROW) == "rows.jsonl: no column 'answer'; the columns are 'question', 'context'"
    good = ROW | {"answer": "1953"}
    assert refusal(tmp_path, TASK, good, ROW) == "rows.jsonl:2: no field 'answer'"
    assert refusal(tmp_path, TASK, good | {"context": ""}) == "rows.jsonl:1: the field 'context' is empty"
    assert refusal(tmp_path, TASK, good, good | {"question": None}) == "rows.jsonl:2: the field 'question' is empty"
