from __future__ import annotations

import json
from pathlib import Path

import pytest

from bertkit.benchmarking.results import AbsentRow, BenchFile, BenchRow, PredictedSpeed, begun, read_bench, read_folder
from bertkit.errors import InputError

ROW = BenchRow(
    cell="inference float32 128 best",
    kind="inference",
    precision="float32",
    lengths="128",
    size="best",
    contestant="bertkit",
    version="0.1.0",
    batch=8,
    rounds=5,
    tokens_per_second=1000.0,
    texts_per_second=10.0,
    spread=0.1,
    predicted=PredictedSpeed(tokens_per_second=1100.0, low=500.0, high=1500.0, error=0.1),
)


def made(**changes: object) -> BenchFile:
    fields = {
        "model": "bert-base",
        "encoder": {"width": 768, "layer_of_step": (0, 1)},
        "machine": {"processor": "x", "device": "cpu", "threads": 2},
        "versions": {"torch": "2.13.0"},
        "date": "2026-11-28",
        "calibrated": False,
    }
    return BenchFile.model_validate({**fields, **changes})


def test_a_run_goes_on_with_its_file(tmp_path: Path) -> None:
    path = tmp_path / "bench.json"
    assert begun(path, made()) == made()
    file = made(rows=[ROW], absent=[AbsentRow(cell="a", contestant="openvino", why="is not installed")])
    file.write(path)
    found = begun(path, made(date="2026-11-29"))
    assert found.rows == [ROW]
    assert found.done == {(ROW.cell, "bertkit"), ("a", "openvino")}


@pytest.mark.parametrize("changes", [{"model": "minilm"}, {"versions": {"torch": "2.14.0"}}, {"machine": {}}])
def test_one_of_another_run_is_not_gone_on_with(tmp_path: Path, changes: dict[str, object]) -> None:
    path = tmp_path / "bench.json"
    made(**changes).write(path)
    with pytest.raises(InputError, match="another model, machine or version") as raised:
        begun(path, made())
    assert "-o" in raised.value.remedy


@pytest.mark.parametrize("text", ["", "[]", '{"a": 1}', json.dumps({"bertkit_bench": 1, "modle": "x"})])
def test_what_is_no_benchmark(tmp_path: Path, text: str) -> None:
    path = tmp_path / "other.json"
    path.write_text(text)
    with pytest.raises(InputError, match=r"other\.json: "):
        read_bench(path)


def test_a_folder(tmp_path: Path) -> None:
    made(rows=[ROW]).write(tmp_path / "b.json")
    (tmp_path / "a.json").write_text("{}")
    (tmp_path / "c.txt").write_text("{}")
    (_, other), (path, file) = read_folder(tmp_path)
    assert isinstance(other, InputError)
    assert (path.name, file) == ("b.json", read_bench(path))
    assert isinstance(file, BenchFile)
    assert file.rows == [ROW]
