from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from bertkit.cli.parquet_file import types_of_fields
from bertkit.cli.record_files import open_records
from bertkit.errors import OutputError

Run = Callable[..., tuple[int, str, str]]
TASKS = (
    *("sentence-embedding", "fill-mask", "next-sentence-prediction", "feature-extraction", "text-classification"),
    *("regression", "token-classification", "question-answering", "text-ranking", "multiple-choice"),
)


def written(path: Path, *records: dict[str, object], with_errors: bool = False) -> pa.Table:
    with open_records(str(path), with_errors=with_errors, keeps=False) as file:
        for record in records:
            file.write(record, "row")
    return pq.read_table(path)


@pytest.mark.parametrize("task", TASKS)
def test_every_task_has_its_types(run: Run, tmp_path: Path, task: str) -> None:
    out = tmp_path / "a.parquet"
    texts = ("Ada [MASK]", "so it goes")  # the second has no entity
    code, _, err = run("predict", *texts, "--task", task, "-o", str(out))
    assert (code, err.replace("\r", "")) == (0, "")
    table = pq.read_table(out)
    assert table.num_rows == 2
    assert {"input_tokens", "windows", "truncated", "dtype"} < set(table.column_names)
    assert not any(pa.types.is_null(field.type) for field in table.schema)
    if task == "text-classification":
        best = {"label": "positive", "score": 0.75}
        assert table["labels"].to_pylist()[0][0] == best
    if task == "sentence-embedding":
        assert table.schema.field("embedding").type == pa.list_(pa.float32())


def test_lists_that_are_empty_at_first_do_not_matter(tmp_path: Path) -> None:
    entity = {"label": "PER", "score": 0.5, "text": "Ada", "start": 0, "end": 3}
    records = [{"id": str(n), "entities": [entity] if n == 1500 else []} for n in range(1501)]
    table = written(tmp_path / "a.parquet", *records)  # type: ignore[arg-type]
    assert table["entities"].to_pylist()[1500] == [entity]
    assert pq.ParquetFile(tmp_path / "a.parquet").num_row_groups == 2  # written as they came


def test_errors_and_kept_columns(tmp_path: Path) -> None:
    failed = {"id": 2, "error": {"message": "no text"}}
    table = written(tmp_path / "a.parquet", failed, {"id": 1, "n": None, "value": 0.5}, with_errors=True)
    assert table.to_pylist() == [
        {"id": 2, "n": None, "value": None, "error": "no text"},
        {"id": 1, "n": None, "value": 0.5, "error": None},
    ]


def test_no_rows(tmp_path: Path) -> None:
    assert written(tmp_path / "a.parquet").num_rows == 0


def test_what_does_not_fit_is_told_and_leaves_no_file(tmp_path: Path) -> None:
    rows = [{"value": 1.0}] * 1024
    with pytest.raises(OutputError, match="a record has 'id', and the first ones had not"):
        written(tmp_path / "a.parquet", *rows, {"id": 3, "value": 1.0})  # type: ignore[arg-type]
    with pytest.raises(OutputError, match=r"a\.parquet: "):
        written(tmp_path / "a.parquet", {"id": 3}, {"id": "x"})
    assert list(tmp_path.iterdir()) == []


def test_without_pyarrow_its_extra_is_named(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow.parquet", None)
    code, _, err = run("predict", "a", "-o", str(tmp_path / "a.parquet"))
    assert code == 2
    assert "pip install 'bertkit[data]'" in err


def test_the_types_are_of_the_fields_that_records_have() -> None:
    assert types_of_fields()["offsets"] == pa.list_(pa.list_(pa.int32()))
