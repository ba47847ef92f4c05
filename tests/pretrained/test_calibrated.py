"""A calibration goes where the model goes, into its answers, and into nothing else."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import AutoModelForSequenceClassification

import bertkit
from bertkit.checkpoints.embedded import embedded_folder
from bertkit.checkpoints.hub import SMALL_FILES, is_cached
from bertkit.config.calibration import ModelCalibration
from bertkit.errors import ConfigError, UserError
from bertkit.formats.rows import Row
from bertkit.inference.model import Model
from bertkit.pretrained.calibrated import CALIBRATION, check_own, read_calibration, write_calibration
from bertkit.pretrained.convert import Layout, convert
from bertkit.pretrained.describe import describe
from bertkit.pretrained.loading import open_pretrained
from bertkit.tasks.scoring import Labels, mean_logits, sigmoid, softmax
from tests.parity.task_peers import change_config, make_task_peer

TEXTS = ["w1 w2", "w3", "w4 w5 w6 w7", "w8 w1", "w30 w31 w2"]
KNOWN = ModelCalibration(
    problem="single-label", temperature=2.5, abstain_below=0.66, examples=50, error_before=0.2, error_after=0.1
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    make_task_peer("text-classification", tmp_path / "model", deviation=0.4)
    write_calibration(tmp_path / "model", KNOWN)
    return tmp_path / "model"


def logits_of(model: Model) -> list[np.ndarray]:
    rows = [Row({"text": text}, text) for text in TEXTS]
    answerer = model.answerer
    requests = answerer.pipeline.prepare_all(rows)
    return [mean_logits(one) for outcomes in answerer.outcomes(requests) for one in outcomes]  # type: ignore[union-attr]


def answers(model: Model) -> list[Labels]:
    results = model.predict(TEXTS)
    assert all(isinstance(result, Labels) for result in results)
    return results  # type: ignore[return-value]


def by_name(model: Model, result: Labels) -> list[float]:
    scores = {label.label: label.score for label in result.labels}
    return [scores[name] for name in model.task.labels]


def test_scores_are_the_softmax_of_the_logits_over_the_temperature(folder: Path) -> None:
    model, plain = (bertkit.load(folder, dtype="float32", **options) for options in ({}, {"temperature": 1.0}))  # type: ignore[arg-type]
    abstained = []
    for logits, result, before in zip(logits_of(model), answers(model), answers(plain), strict=True):
        assert by_name(model, result) == softmax(logits / 2.5).tolist()
        assert by_name(model, before) == softmax(logits).tolist()
        assert result.labels[0].label == before.labels[0].label
        assert result.abstained == (result.labels[0].score < 0.66)
        assert result.record()["abstained"] is result.abstained
        abstained.append(result.abstained)
    assert len(set(abstained)) == 2, "some answers are sure and some are not"


def test_several_labels_are_given_as_before(folder: Path) -> None:
    change_config(folder, problem_type="multi_label_classification")
    write_calibration(folder, KNOWN.model_copy(update={"problem": "multi-label", "abstain_below": None}))
    model, plain = (bertkit.load(folder, dtype="float32", **options) for options in ({}, {"temperature": 1.0}))  # type: ignore[arg-type]
    for logits, result, before in zip(logits_of(model), answers(model), answers(plain), strict=True):
        assert by_name(model, result) == sigmoid(logits / 2.5).tolist()
        assert [score >= 0.5 for score in by_name(model, result)] == [score >= 0.5 for score in by_name(plain, before)]
        assert "abstained" not in result.record()


def test_another_problem_is_answered_as_if_there_were_none(folder: Path) -> None:
    model = bertkit.load(folder, dtype="float32", problem="multi-label")
    for logits, result in zip(logits_of(model), answers(model), strict=True):
        assert by_name(model, result) == sigmoid(logits).tolist()


@torch.inference_mode()
def test_transformers_opens_the_folder(folder: Path) -> None:
    peer, report = AutoModelForSequenceClassification.from_pretrained(folder, output_loading_info=True)
    assert not any(report.values())
    model = bertkit.load(folder, dtype="float32")
    (outcomes,) = model.answerer.outcomes([model.answerer.pipeline.prepare(Row({"text": "w1 w2"}, ""))])
    (outcome,) = outcomes  # type: ignore[misc]
    logits_1C = peer.eval()(torch.tensor([outcome.encoded.windows[0].ids])).logits
    np.testing.assert_allclose(mean_logits(outcome), logits_1C[0], atol=1e-5)


@pytest.mark.parametrize("layout", ["hub", "tf", "sentence-transformers"])
def test_a_copy_keeps_it(folder: Path, layout: Layout) -> None:
    convert(folder, folder.parent / layout, layout, {})
    assert read_calibration(folder.parent / layout) == KNOWN
    assert describe(folder.parent / layout).calibration == KNOWN.model_dump()
    bertkit.load(folder, dtype="float32").save(folder.parent / "saved")
    assert read_calibration(folder.parent / "saved") == KNOWN


def test_a_model_without_one(folder: Path) -> None:
    (folder / CALIBRATION).unlink()
    assert open_pretrained(folder).calibration is None
    assert describe(folder).calibration is None
    assert "abstained" not in bertkit.load(folder, dtype="float32").predict(["w1"])[0].record()


def test_it_is_fetched_with_a_hub_model() -> None:
    assert CALIBRATION in SMALL_FILES


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[]", "not a JSON object"),
        ("{", "not a JSON object"),
        (json.dumps({**KNOWN.model_dump(), "temperature": 0.0}), "'temperature'"),
        (json.dumps({**KNOWN.model_dump(), "schema_version": 2}), "'schema_version'"),
        (json.dumps({**KNOWN.model_dump(), "temperatur": 2.0}), "did you mean 'temperature'"),
    ],
)
def test_a_damaged_file(folder: Path, text: str, said: str) -> None:
    (folder / CALIBRATION).write_text(text)
    with pytest.raises(ConfigError, match=CALIBRATION) as caught:
        bertkit.load(folder)
    assert said in caught.value.what
    assert "Remove the file" in caught.value.remedy


def test_what_is_shared_is_not_changed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    check_own(folder)
    with pytest.raises(UserError, match="is the built-in model, which is not changed"):
        check_own(embedded_folder())
    (tmp_path / "link").symlink_to(embedded_folder())
    with pytest.raises(UserError, match="is the built-in model"):
        check_own(tmp_path / "link")
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    assert is_cached(folder)
    with pytest.raises(UserError, match="is in the hub's cache") as caught:
        check_own(folder)
    assert "bertkit convert" in caught.value.remedy


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"temperature": 0.0}, "temperature is 0"),
        ({"abstain_below": 0.5, "problem": "multi-label"}, "abstain_below with multi-label"),
    ],
)
def test_options_that_make_no_sense(folder: Path, options: dict[str, object], said: str) -> None:
    with pytest.raises(UserError, match=said):
        bertkit.load(folder, **options)  # type: ignore[arg-type]
