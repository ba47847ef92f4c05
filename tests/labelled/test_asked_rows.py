from __future__ import annotations

from pathlib import Path

import pytest

from bertkit.errors import InputError, UserError
from bertkit.formats.rows import Row
from bertkit.labelled.asked_rows import AskedRows
from bertkit.tasks.catalogue import find_task
from tests.labelled.example_files import as_jsonl, written


def fields_of(path: str, task: str, **options: str) -> list[dict[str, object]]:
    asked = AskedRows([path], format=options.pop("format", None), columns=options)
    return [dict(row.fields) for row in asked.of_task(task, find_task(task).fields)]


def test_other_names_of_texts_are_known(tmp_path: Path) -> None:
    path = written(tmp_path, "a.csv", "id,premise,hypothesis,label\n7,a,b,x\n")
    row = {"id": "7", "premise": "a", "hypothesis": "b", "label": "x"}
    assert fields_of(path, "text-classification") == [{**row, "text": "a", "text_pair": "b"}]
    assert fields_of(path, "text-classification", text="label") == [{**row, "text": "x"}]
    path = written(tmp_path, "b.csv", "query,passage\na,b\n")
    assert fields_of(path, "question-answering")[0] == {"query": "a", "passage": "b", "question": "a", "context": "b"}


def test_which_text_is_meant_is_asked_where_several_may_be(tmp_path: Path) -> None:
    path = written(tmp_path, "a.csv", "review,comment\na,b\n")
    with pytest.raises(InputError, match="'text' could be any of the columns 'review', 'comment'"):
        fields_of(path, "text-classification")


def test_what_is_missing_is_left_to_the_task(tmp_path: Path) -> None:
    path = written(tmp_path, "a.csv", "stars\n3\n")
    assert fields_of(path, "text-classification") == [{"stars": "3"}]


def test_a_row_that_has_its_own_text_among_others_keeps_it(tmp_path: Path) -> None:
    path = written(tmp_path, "a.jsonl", as_jsonl({"sentence": "a"}, {"text": "b"}))
    assert [row.get("text") for row in fields_of(path, "feature-extraction")] == ["a", "b"]


def test_blank_lines_are_rows(tmp_path: Path) -> None:
    assert fields_of(written(tmp_path, "a.txt", "a\n\nb\n"), "fill-mask") == [
        {"text": "a"},
        {"text": ""},
        {"text": "b"},
    ]


def test_words_without_tags(tmp_path: Path) -> None:
    path = written(tmp_path, "a.conll", "Ada\nslept\n\nI\n")
    assert fields_of(path, "token-classification") == [{"text": "Ada slept", "id": "0"}, {"text": "I", "id": "1"}]
    path = written(tmp_path, "a.jsonl", as_jsonl({"tokens": ["Ada", "slept"]}, {"tokens": "x"}))
    assert [row.get("text") for row in fields_of(path, "token-classification")] == ["Ada slept", None]
    path = written(tmp_path, "a.conllu", "# sent_id = s\n1\tAda\t_\t_\n\n")
    assert fields_of(path, "token-classification") == [{"text": "Ada", "id": "s"}]


def test_questions_without_answers(tmp_path: Path) -> None:
    path = written(
        tmp_path, "a.json", '{"data": [{"paragraphs": [{"context": "c", "qas": [{"id": 3, "question": "q"}]}]}]}'
    )
    assert fields_of(path, "question-answering") == [{"id": "3", "question": "q", "context": "c"}]


def test_a_document_a_row_without_numbers(tmp_path: Path) -> None:
    path = written(tmp_path, "a.csv", "query,document\na,b\nc,d\na,e\n")
    assert [row["documents"] for row in fields_of(path, "text-ranking")] == [["b", "e"], ["d"]]
    path = written(tmp_path, "a.jsonl", as_jsonl({"query": "a", "documents": ["b"]}))
    assert fields_of(path, "text-ranking") == [{"query": "a", "documents": ["b"]}]


def test_files_follow_one_another_and_bad_rows_are_told(tmp_path: Path) -> None:
    one = written(tmp_path, "a.jsonl", '{"text": "a"}\n[1]\n{"sentence": "b"}\n')
    other = written(tmp_path, "b.csv", "review\nc\n")
    bad: list[InputError] = []
    asked = AskedRows([one, other], on_bad_row=bad.append)
    rows: list[Row] = list(asked.of_task("fill-mask", ("text",)))
    assert [row.place.rpartition("/")[2] for row in rows] == ["a.jsonl:1", "a.jsonl:3", "b.csv:2"]
    assert rows[2].fields["text"] == "c"
    assert [str(error).rpartition("/")[2] for error in bad] == ["a.jsonl:2: a JSON list where an object belongs"]


def test_wrong_use_is_told_before_a_model_is_loaded(tmp_path: Path) -> None:
    path = written(tmp_path, "a.xyz", "a\n")
    with pytest.raises(UserError, match="the ending does not say a format"):
        AskedRows([path])
    with pytest.raises(InputError, match="no such file"):
        AskedRows([str(tmp_path / "gone.csv")])
    with pytest.raises(UserError, match="plain lines have no columns"):
        AskedRows(["-"], columns={"text": "a"})


def test_a_format_of_another_task_is_refused(tmp_path: Path) -> None:
    path = written(tmp_path, "a.conll", "Ada O\n")
    with pytest.raises(UserError, match="text-classification is read from"):
        fields_of(path, "text-classification")
    with pytest.raises(UserError, match="not read from format 'squad'"):
        fields_of(path, "text-classification", format="squad")
