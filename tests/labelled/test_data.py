"""Rows in memory, and several sources read as one."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace

import pyarrow as pa
import pyarrow.parquet
import pytest

from bertkit.config.data_source import RowsInMemory
from bertkit.errors import InputError, UserError
from bertkit.formats.python_rows import rows_in_memory
from bertkit.labelled.data import name_of
from bertkit.labelled.reading import is_labelled, own_columns, read_examples, sniff_problem

CLASSES = "text-classification"
# Rows of every task that is read from tables, and where what they say is decided by all of them together.
ROWS: dict[str, list[dict[str, object]]] = {
    CLASSES: [{"text": "a", "label": ["x"]}, {"text": "b", "label": ["x", "y"]}],
    "token-classification": [{"tokens": ["a", "b"], "label": ["B-X", "O"]}, {"tokens": ["c"], "label": ["O"]}],
    "question-answering": [{"question": "q", "context": "a b", "answers": {"text": ["b"], "answer_start": [2]}}] * 2,
    "sentence-embedding": [{"text": "a", "text_pair": "b", "label": 1}, {"text": "a", "text_pair": "c", "label": 0}],
    "text-ranking": [
        {"query": "q", "document": "a", "label": 1},
        {"query": "q", "document": "b", "label": 0},
    ],
    "multiple-choice": [{"text": "t", "choices": ["a", "b"], "label": 1}] * 2,
    "fill-mask": [{"text": "a b"}, {"text": "c"}],
}


def write(path: Path, rows: list[dict[str, object]]) -> str:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return str(path)


@pytest.mark.parametrize("task", ROWS)
def test_rows_in_memory_and_several_files_are_read_as_one_file(task: str, tmp_path: Path) -> None:
    rows = ROWS[task]
    whole = list(read_examples(write(tmp_path / "all.jsonl", rows), task))
    parts: list[str | RowsInMemory] = [write(tmp_path / f"{n}.jsonl", [row]) for n, row in enumerate(rows)]
    mixed = [parts[0], RowsInMemory("train", rows[1:])]
    for sources in (RowsInMemory("train", rows), parts, mixed):
        found = list(read_examples(sources, task))
        assert [(one.row.fields, one.target, one.id) for one in found] == [
            (one.row.fields, one.target, one.id) for one in whole
        ]
    assert next(one.row.place for one in read_examples(RowsInMemory("train", rows), task)) == "train row 1"


def test_what_a_problem_is_all_parts_say_together(tmp_path: Path) -> None:
    first, second = [{"text": "a", "label": 0.5}], [{"text": "b", "label": "good"}]
    assert sniff_problem([RowsInMemory("one", first)], "text-classification") == "regression"
    both = [RowsInMemory("one", first), write(tmp_path / "b.jsonl", second)]
    assert sniff_problem(both, "text-classification") == "single-label"


def test_whether_rows_have_labels_and_which_columns() -> None:
    labelled, plain = RowsInMemory("train", [{"review": "a", "label": "x"}]), RowsInMemory("train", [{"review": "a"}])
    columns = {"text": "review"}
    assert is_labelled(labelled, CLASSES, columns=columns)
    assert not is_labelled(plain, CLASSES, columns=columns)
    assert own_columns(plain, {**columns, "label": "stars"}) == columns
    with pytest.raises(InputError, match="train: no example in it"):
        is_labelled(RowsInMemory("train", []), CLASSES)


def test_several_files_of_words_are_one_after_the_other(tmp_path: Path) -> None:
    for name in ("a.conll", "b.conll"):
        (tmp_path / name).write_text(f"{name[0]} O\n\n")
    paths: list[str | RowsInMemory] = [str(tmp_path / "a.conll"), str(tmp_path / "b.conll")]
    assert [one.row.fields["text"] for one in read_examples(paths, "token-classification")] == ["a", "b"]
    mixed = [*paths, RowsInMemory("more", ROWS["token-classification"])]
    with pytest.raises(UserError, match="more: rows in memory, and what is read with it is conll"):
        read_examples(mixed, "token-classification")


def test_numbers_of_other_classes_are_not_mixed(tmp_path: Path) -> None:
    def parquet(name: str, *classes: str) -> str:
        feature = {"label": {"_type": "ClassLabel", "names": list(classes)}}
        metadata = {b"huggingface": json.dumps({"info": {"features": feature}}).encode()}
        table = pa.table({"text": ["a", "b"], "label": [0, 1]}).replace_schema_metadata(metadata)
        pa.parquet.write_table(table, tmp_path / name)
        return str(tmp_path / name)

    same = [parquet("a.parquet", "no", "yes"), parquet("b.parquet", "no", "yes")]
    assert [one.target for one in read_examples([*same], CLASSES)] == ["no", "yes"] * 2
    with pytest.raises(InputError, match=r"c.parquet: the numbers of 'label' count other classes"):
        list(read_examples([*same, parquet("c.parquet", "yes", "no")], CLASSES))
    table = pa.parquet.read_table(same[0])
    dataset = type("Dataset", (list,), {"features": SimpleNamespace(arrow_schema=table.schema)})(table.to_pylist())
    for given in (table, table.to_reader(), dataset):
        rows = rows_in_memory(given, "train")
        assert [one.target for one in read_examples(rows, CLASSES)] == ["no", "yes"], "as of the file"
    with pytest.raises(InputError, match="train: the numbers of 'label' count other classes"):
        list(read_examples([parquet("c.parquet", "yes", "no"), rows], CLASSES))


def test_names() -> None:
    assert name_of("a.csv") == "a.csv"
    assert name_of("-") == "stdin"
    assert name_of(["a.csv", RowsInMemory("train", []), "b.csv"]) == "a.csv and 2 more"
