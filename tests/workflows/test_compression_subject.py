from __future__ import annotations

from pathlib import Path

import pytest

from bertkit.config.compressing import CompressConfig
from bertkit.pretrained.loading import open_pretrained
from bertkit.workflows.compression_subject import opened, spread
from bertkit.workflows.labelled_data import Notes
from bertkit.workflows.observer import SILENT
from tests.workflows.small_jobs import labelled_texts, small_classifier, write_table


@pytest.mark.parametrize("as_it_answers", [True, False])
def test_a_model_is_no_worse_than_itself(as_it_answers: bool, tmp_path: Path) -> None:
    folder = small_classifier(tmp_path / "model")
    data = write_table(tmp_path / "data.tsv", labelled_texts(folder, 20))
    config = CompressConfig(model=str(folder), output=str(tmp_path / "out"), data=str(data), to="bf16")
    subject = opened(config, open_pretrained(folder), Notes(SILENT), SILENT, as_it_answers=as_it_answers)
    assert (subject.metric, subject.factor, subject.plain.dtype) == ("accuracy", 100.0, "float32")
    loss = subject.loss_to(subject.scored.scores)
    assert (loss.points, loss.low, loss.high) == (0.0, 0.0, 0.0)
    assert subject.data.startswith("20 examples of ")


def test_examples_are_taken_from_beginning_to_end() -> None:
    assert spread([*range(10)], 3) == [0, 3, 6]  # type: ignore[list-item]
    assert spread([*range(4)], 9) == [0, 1, 2, 3]  # type: ignore[list-item]
