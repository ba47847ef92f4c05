from __future__ import annotations

from pathlib import Path

import pytest

from bertkit.errors import InputError, OutputError
from bertkit.runs.metrics_file import MetricsFile, evaluations, names_of, number_of, points, read_metrics, step_of

RECORDS: list[dict[str, object]] = [
    {"step": 10, "seconds": 1.5, "loss": 6.25, "masked-lm/loss": 5.5, "masked-lm/accuracy": 0.1},
    {"step": 10, "seconds": 1.5, "evaluation": {"masked-lm/loss": 5.75}},
    {"step": 17, "skipped": "the loss is not finite", "batch": "skipped/step-00000017.safetensors"},
    {"step": 20, "seconds": 3.0, "loss": 6.0, "masked-lm/loss": 5.25, "note": "Übung"},
]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "metrics.jsonl"
    file = MetricsFile(path)
    for record in RECORDS:
        file.on_record(record)
    return path


def test_what_was_written_is_read(path: Path) -> None:
    assert read_metrics(path) == RECORDS
    assert path.read_text("utf-8").count("\n") == 4
    assert "Übung" in path.read_text("utf-8")


def test_no_file_has_no_records(tmp_path: Path) -> None:
    MetricsFile(tmp_path / "metrics.jsonl").rewind(3)
    assert read_metrics(tmp_path / "metrics.jsonl") == []
    assert list(tmp_path.iterdir()) == []


def test_a_torn_last_line_is_not_read_and_is_removed_before_going_on(path: Path) -> None:
    with path.open("ab") as file:
        file.write(b'{"step": 3')
    assert read_metrics(path) == RECORDS
    MetricsFile(path).append({"step": 30})
    assert read_metrics(path) == [*RECORDS, {"step": 30}]


def test_only_a_torn_line(tmp_path: Path) -> None:
    (tmp_path / "metrics.jsonl").write_bytes(b'{"st')
    MetricsFile(tmp_path / "metrics.jsonl").append({"step": 1})
    assert read_metrics(tmp_path / "metrics.jsonl") == [{"step": 1}]


def test_rewinding_keeps_the_steps_up_to_the_checkpoint(path: Path) -> None:
    file = MetricsFile(path)
    file.rewind(17)
    assert read_metrics(path) == RECORDS[:3]
    file.append({"step": 18})
    assert read_metrics(path) == [*RECORDS[:3], {"step": 18}]
    assert list(path.parent.iterdir()) == [path]


def test_what_json_cannot_say_becomes_null(tmp_path: Path) -> None:
    path = tmp_path / "metrics.jsonl"
    MetricsFile(path).append({"step": 1, "gradient_norm": float("inf"), "evaluation": {"loss": float("nan")}})
    assert read_metrics(path) == [{"step": 1, "gradient_norm": None, "evaluation": {"loss": None}}]
    assert points(read_metrics(path), "gradient_norm") == []


def test_a_bad_line_is_named(path: Path) -> None:
    path.write_bytes(b'{"step": 1}\n[2]\n{"step": 3}\n')
    with pytest.raises(InputError, match=r"metrics\.jsonl:2: not a JSON object"):
        read_metrics(path)


def test_a_place_that_cannot_be_written(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="cannot be written: No such file or directory"):
        MetricsFile(tmp_path / "gone/metrics.jsonl").append({"step": 1})


def test_measures_by_name() -> None:
    assert points(RECORDS, "masked-lm/loss") == [(10, 5.5), (20, 5.25)]
    assert evaluations(RECORDS) == [{"step": 10, "masked-lm/loss": 5.75}]
    assert names_of(RECORDS, "/loss") == ["masked-lm/loss"]
    assert names_of(RECORDS, "/accuracy") == ["masked-lm/accuracy"]
    assert number_of({"skipped": True, "loss": None}, "skipped") is None
    assert step_of({}) == 0
