from __future__ import annotations

from bertkit.errors import InputError
from bertkit.formats.annotated import flattened


def rows(*values: object) -> tuple[list[object], list[str]]:
    said: list[str] = []
    found = [
        str(value) if isinstance(value, InputError) else value
        for _, value in flattened(enumerate(values, 1), "f", said.append)
    ]
    return found, said


def label_studio(*results: list[object], **more: object) -> dict[str, object]:
    annotations = [{"result": result} for result in results]
    return {"id": 4, "data": {"text": "Ada", "source": "x"}, "annotations": annotations, **more}


PERSON = {"value": {"start": 0, "end": 3, "text": "Ada", "labels": ["PER"]}}


def test_what_no_tool_has_written_stays() -> None:
    plain = [{"data": {"a": 1}, "text": "b"}, {"annotations": []}, ["a", "b"], "a", 3, ["a", {}, 1]]
    assert rows(*plain) == (plain, [])


def test_a_task_of_label_studio() -> None:
    row = {"text": "Ada", "source": "x", "id": 4}
    choices = {"value": {"choices": ["a", "b"]}}
    found, said = rows(
        label_studio([PERSON]),
        label_studio([choices]),
        label_studio([]),
        label_studio(),
        label_studio([PERSON], [PERSON]),
        {"data": {"text": "Ada"}, "completions": [{"result": [choices, {"value": None}, "?"]}]},
    )
    entity = {"start": 0, "end": 3, "label": "PER"}
    assert found == [
        {**row, "entities": [entity]},
        {**row, "label": ["a", "b"]},
        {**row, "entities": []},
        row,
        {**row, "entities": [entity]},
        {"text": "Ada", "label": ["a", "b"]},
    ]
    assert said == []


def test_annotators_who_differ_are_told_and_what_they_left_is_left_out() -> None:
    cancelled = {"data": {"text": "a"}, "annotations": [{"result": [PERSON], "was_cancelled": True}]}
    found, said = rows(label_studio([PERSON], []), cancelled)
    assert found == ["f:1: its 2 annotators do not agree"]
    assert said == ["f: 1 rows that their annotators have rejected, ignored or cancelled are left out"]


def test_a_task_of_prodigy() -> None:
    hashes = {"_task_hash": 1, "_input_hash": 2}
    found, said = rows(
        {"text": "a", "label": "X", "answer": "accept", **hashes},
        {"text": "a", "accept": ["X", "Y"], "options": [], "answer": "accept", **hashes},
        {"text": "a", "spans": [], "tokens": [{"text": "a"}], "meta": {"id": 3}, **hashes},
        {"text": "a", "label": "X", "answer": "reject", **hashes},
    )
    assert found == [
        {"text": "a", **hashes, "label": "X"},
        {"text": "a", **hashes, "label": ["X", "Y"]},
        {"text": "a", "meta": {"id": 3}, **hashes, "entities": []},
    ]
    assert len(said) == 1


def test_spacys_pairs() -> None:
    found, _ = rows(
        ["a", {"entities": [[0, 1, "X"]]}], ["a", {"cats": {"p": 1.0, "q": 0.4}}], ("a", {"cats": {"p": 0}})
    )
    assert found == [{"text": "a", "entities": [[0, 1, "X"]]}, {"text": "a", "label": "p"}, {"text": "a", "label": []}]


def test_categories_that_are_no_numbers_are_told() -> None:
    assert rows(["a", {"cats": {"p": "yes"}}])[0] == ["f:1: 'yes' of the category 'p' is no number"]
