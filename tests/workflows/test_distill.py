from __future__ import annotations

from pathlib import Path

import pytest

from bertkit.config.finetuning import FinetuneConfig
from bertkit.workflows.distill import distill
from tests.parity.bert_peer import Sizes
from tests.parity.task_peers import make_task_peer
from tests.workflows.small import Remembers, labelled, write_table


@pytest.mark.parametrize("measured", [False, True])
def test_teacher_and_student_side_by_side(measured: bool, tmp_path: Path) -> None:
    make_task_peer(
        "text-classification",
        tmp_path / "teacher",
        sizes=Sizes(layers=2, segment_types=2),
        labels=("bad", "good"),
        seed=5,
    )
    train = write_table(tmp_path / "train.tsv", labelled(60))
    values = {
        "task": {"name": "text-classification"},
        "teacher": {"start": str(tmp_path / "teacher")},
        "data": {"train": train, "eval": train if measured else None},
        "train": {"epochs": 1.0, "batch_samples": 16},
        "run": {"directory": str(tmp_path / "run")},
    }
    observer = Remembers()
    result = distill(FinetuneConfig.model_validate(values), observer)
    assert observer.counted == {"texts": 60}
    assert observer.said[0] == "the teacher reads each text once, before the student learns"
    assert list(result.texts_a_second) == ["teacher", "student"]
    assert ("accuracy" in result.teacher) == ("accuracy" in result.metrics) == measured
    assert ("agreement" in result.metrics) != measured
    assert result.folder == tmp_path / "run"
    assert "texts a second" in result._repr_html_()
    assert result.model.task.name == "text-classification"
