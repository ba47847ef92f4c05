from __future__ import annotations

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from bertkit.errors import InputError
from bertkit.labelled.reading import read_examples
from tests.labelled.example_files import as_jsonl, written

TASK = "text-classification"
HOT = [[1, 0, 1], [0, 1, 0], [0, 0, 0]]
SETS = [("0", "2"), ("1",), ()]


def learnt(path: str, problem: str | None = None) -> tuple[list[object], list[str]]:
    """The targets, and what was said."""
    notes: list[str] = []
    found = [one.target for one in read_examples(path, TASK, problem=problem, note=notes.append)]
    return found, [note.partition(": ")[2] for note in notes]


def of_lists(folder: Path, *lists: list[object]) -> tuple[list[object], list[str]]:
    rows = [{"text": f"a {n}", "labels": labels} for n, labels in enumerate(lists)]
    return learnt(written(folder, "a.jsonl", as_jsonl(*rows)))


@pytest.mark.parametrize("kind", [int, float, bool, str])
def test_a_list_of_switches_is_the_labels_that_are_on(tmp_path: Path, kind: type) -> None:
    found, notes = of_lists(tmp_path, *[[kind(switch) for switch in row] for row in HOT])
    assert found == SETS
    assert notes == ["the field 'labels' is read as 0 or 1 for each of 3 labels: '0', '1', '2'"]


@pytest.mark.parametrize("row", ["[1, 0, 1]", "[1 0 1]", "[1. 0. 1.]", "[ True False  True]", "(1, 0, 1)"])
def test_in_a_cell_too(tmp_path: Path, row: str) -> None:
    assert learnt(written(tmp_path, "a.csv", f'text,labels\na,"{row}"\n')) == (SETS[:1], learnt_of_three())


@pytest.mark.parametrize("row", ["1,0,1", "1 0 1", "1|0|1"])
def test_in_a_string_where_several_labels_are_asked_for(tmp_path: Path, row: str) -> None:
    assert learnt(written(tmp_path, "a.csv", f'text,labels\na,"{row}"\n'), "multi-label")[0] == SETS[:1]


def learnt_of_three() -> list[str]:
    return ["the field 'labels' is read as 0 or 1 for each of 3 labels: '0', '1', '2'"]


@pytest.mark.parametrize("kind", [pa.list_(pa.int64()), pa.list_(pa.float32(), 3), pa.list_(pa.bool_())])
def test_arrays_of_parquet(tmp_path: Path, kind: pa.DataType) -> None:
    lists = pa.array(HOT, pa.list_(pa.int64())).cast(kind)
    pq.write_table(pa.table({"text": ["a", "b", "c"], "labels": lists}), tmp_path / "a.parquet")
    assert learnt(str(tmp_path / "a.parquet"))[0] == SETS


def test_a_file_that_names_its_classes_gives_the_labels_their_names(tmp_path: Path) -> None:
    """As the library `datasets` writes them: numbers of classes, and lists of switches, under the same feature."""
    classes = {"_type": "ClassLabel", "names": ["red", "green", "blue"]}
    features = {"labels": {"_type": "Sequence", "feature": classes}}
    for lists, expected in (
        (HOT, [("red", "blue"), ("green",), ()]),
        ([[2], [0, 1], []], [("blue",), ("red", "green"), ()]),
    ):
        table = pa.table({"text": ["a", "b", "c"], "labels": lists})
        table = table.replace_schema_metadata({"huggingface": json.dumps({"info": {"features": features}})})
        pq.write_table(table, tmp_path / "a.parquet")
        assert learnt(str(tmp_path / "a.parquet"))[0] == expected


@pytest.mark.parametrize(
    ("lists", "expected"),
    [
        ([[0, 1], [1, 0]], [("1",), ("0",)]),
        ([[0, 1], [1, 1]], [("1",), ("0", "1")]),
        ([[0, 1], [1], [2, 0]], [("0", "1"), ("1",), ("2", "0")]),
        ([[0, 1], []], [("0", "1"), ()]),
        ([[1], [0]], [("1",), ("0",)]),
        ([[27], [0, 1, 5]], [("27",), ("0", "1", "5")]),
        ([["a", "b", "a"]], [("a", "b")]),
        ([["a"], ["0", "a"]], [("a",), ("0", "a")]),
    ],
)
def test_lists_of_labels_stay_such(tmp_path: Path, lists: list[list[object]], expected: list[tuple[str, ...]]) -> None:
    assert of_lists(tmp_path, *lists)[0] == expected


@pytest.mark.parametrize(
    "lists",
    [
        [[1, 0, 1], [1, 0]],
        [[1, 0, 1], []],
        [[], [1, 0, 1]],
        [[1, 0, 1], [1, 0, 2]],
        [[0, 1], [0], [1, 1]],
        [[0.2, 0.8]],
        [[1], [0.5, 0.5]],
    ],
)
def test_neither_form_is_refused(tmp_path: Path, lists: list[list[object]]) -> None:
    with pytest.raises(InputError, match=r"a.jsonl:\d: the field 'labels' ") as caught:
        of_lists(tmp_path, *lists)
    assert "or 0 and 1 for every label" in caught.value.remedy
