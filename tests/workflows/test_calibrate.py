from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import bertkit
from bertkit.config.evaluation import CalibrateConfig, EvaluateConfig
from bertkit.errors import UserError
from bertkit.workflows.calibrate import calibrate
from bertkit.workflows.evaluate import evaluate
from tests.workflows.small_jobs import labelled_texts, small_classifier, write_table


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return small_classifier(tmp_path / "model")


@pytest.fixture
def data(folder: Path, tmp_path: Path) -> str:
    return str(write_table(tmp_path / "data.tsv", labelled_texts(folder, 300)))


def test_what_is_found_is_kept_and_applied(folder: Path, data: str) -> None:
    before = bertkit.load(folder, dtype="float32")
    found = calibrate(CalibrateConfig(model=str(folder), data=data, dtype="float32", abstain_at_precision=0.6))
    assert (found.folder, found.path.is_file()) == (folder, True)
    assert 2 < found.kept.temperature < 4.5
    assert found.kept.error_after < found.kept.error_before
    assert found.evaluation.report.calibration is not None
    after = bertkit.load(folder, dtype="float32")
    texts = ["w1 w2", "w9"]
    scores_NC = before.predict_proba(texts) ** (1 / found.kept.temperature)
    np.testing.assert_allclose(after.predict_proba(texts), scores_NC / scores_NC.sum(1, keepdims=True), atol=1e-6)
    assert found.abstaining is not None
    assert found.record()["abstaining"]
    assert repr(found).startswith(
        f"<bertkit.Calibration of {str(folder)!r}: temperature {found.kept.temperature:.4f}, "
    )
    html = found._repr_html_()
    assert f"{found.kept.temperature:.4f}" in html
    assert f"{found.abstaining.coverage:.2%}" in html


def test_again_finds_the_same_and_measuring_on_the_data_is_noted(folder: Path, data: str) -> None:
    config = CalibrateConfig(model=str(folder), data=data, dtype="float32")
    first = calibrate(config)
    assert calibrate(config).kept == first.kept
    (note,) = evaluate(EvaluateConfig(model=str(folder), data=data)).notes
    assert "was fitted on" in note


def test_only_labels_of_texts(tmp_path: Path, data: str) -> None:
    regression = small_classifier(tmp_path / "regression", problem_type="regression")
    scores = [{"text": f"w{n}", "label": str(n / 7)} for n in range(30)]
    numbers = write_table(tmp_path / "numbers.tsv", scores)
    with pytest.raises(UserError, match="--calibrate with regression"):
        calibrate(CalibrateConfig(model=str(regression), data=str(numbers), problem="regression"))
    assert not [*regression.glob("bertkit_*")]
