from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from transformers import BertForSequenceClassification

import bertkit
from bertkit.compression.pace import Pace
from bertkit.config.compressing import CompressConfig
from bertkit.errors import InputError, LossTooLarge, NothingGained, UserError
from bertkit.inference.cascade_backend import CascadeBackend
from bertkit.inference.model import Model
from bertkit.pretrained.cascade import CASCADE, STUDENT
from bertkit.pretrained.describe import describe
from bertkit.pretrained.loading import open_pretrained
from bertkit.workflows import compression_subject
from bertkit.workflows.compress import compress
from bertkit.workflows.export import ExportConfig, export
from tests.compression.students import make_student
from tests.workflows.small_jobs import labelled_texts, small_classifier, write_table

TEXTS = [f"w{number} w{(7 * number) % 60}" for number in range(40)]


@pytest.fixture(autouse=True)
def speeds(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Tokens a second that are measured, of the teacher and of the cascade."""
    measured = [1000.0, 1800.0]
    monkeypatch.setattr(
        compression_subject, "paces", lambda models, rows, clock: [Pace(one, 10.0, 12.0) for one in measured]
    )
    return measured


@pytest.fixture(scope="module")
def teacher(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = small_classifier(tmp_path_factory.mktemp("teacher") / "model")
    write_table(folder.parent / "data.tsv", labelled_texts(folder, 200))
    return folder


def job(teacher: Path, student: Path, output: Path, **changes: object) -> CompressConfig:
    given = {"model": teacher, "cascade": student, "output": output, "data": teacher.parent / "data.tsv", **changes}
    return CompressConfig.model_validate({n: str(v) if isinstance(v, Path) else v for n, v in given.items()})


@pytest.fixture(scope="module")
def made(teacher: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("cascade")
    with pytest.MonkeyPatch.context() as patch:
        paces = [Pace(1.0, 1.0, 1.0), Pace(2.0, 1.0, 1.0)]
        patch.setattr(compression_subject, "paces", lambda models, rows, clock: paces)
        student = make_student(teacher, place / "student", noise=0.1)
        result = compress(job(teacher, student, place / "out", max_loss=4.0))
    assert result.details["cascade"]["problem"] == "single-label"  # type: ignore[index]
    return result.folder


def scores(model: Model, texts: Sequence[str]) -> np.ndarray:
    return np.array([model.predict_proba(text) for text in texts])


def test_a_cascade_is_a_folder_like_any_other(teacher: Path, made: Path) -> None:
    model = bertkit.load(made, dtype="float32")
    assert isinstance(model.answerer.engine.backend, CascadeBackend)
    theirs, student = (bertkit.load(one, dtype="float32") for one in (teacher, made / STUDENT))
    assert model.labels == theirs.labels != student.labels
    settings = open_pretrained(made).cascade.settings  # type: ignore[union-attr]
    order = [student.labels.index(label) for label in model.labels]
    cooler = np.log(scores(student, TEXTS)[:, order]) / settings.temperature
    calibrated = np.exp(cooler) / np.exp(cooler).sum(axis=1, keepdims=True)
    sure = calibrated.max(axis=1) >= settings.confidence
    assert 0.1 < sure.mean() < 1
    expected = np.where(sure[:, None], calibrated, scores(theirs, TEXTS))
    np.testing.assert_allclose(scores(model, TEXTS), expected, atol=2e-5)


def test_a_row_in_a_batch_is_answered_as_alone(made: Path) -> None:
    model = bertkit.load(made, dtype="float32")
    together = model.predict_proba(TEXTS)
    np.testing.assert_allclose(together, scores(model, TEXTS), atol=1e-5)
    assert model.predict(TEXTS[0]).record().keys() == bertkit.load(made / STUDENT).predict(TEXTS[0]).record().keys()


def test_what_the_folder_says(teacher: Path, made: Path) -> None:
    facts = describe(made).record()["cascade"]
    assert isinstance(facts, dict)
    assert facts["answered"] > 0.1
    assert facts["speed"] == 2.0
    assert describe(teacher).record()["cascade"] is None
    card = (made / "README.md").read_text()
    assert "## A cascade" in card
    assert "the student's answer stands from a confidence of" in card
    peer = BertForSequenceClassification.from_pretrained(made)
    assert peer.config.id2label == {0: "no", 1: "yes", 2: "maybe"}
    assert json.loads((made / CASCADE).read_text())["data_sha256"]


def test_the_loss_is_of_examples_that_the_confidence_was_not_chosen_on(teacher: Path, made: Path) -> None:
    settings = open_pretrained(made).cascade.settings  # type: ignore[union-attr]
    scored = [bertkit.evaluate(one, teacher.parent / "data.tsv", progress=False).metrics for one in (teacher, made)]
    loss = 100 * (scored[0]["accuracy"] - scored[1]["accuracy"])
    assert settings.loss_points <= 4.0
    assert abs(loss - settings.loss_points) < 2.0  # near it, and not the same by definition
    assert settings.loss_low <= settings.loss_points <= settings.loss_high


def test_a_student_with_other_tokens(teacher: Path, tmp_path: Path) -> None:
    student = make_student(teacher, tmp_path / "student", noise=0.0, shuffled=True)
    result = compress(job(teacher, student, tmp_path / "out", max_loss=1.0))
    model, theirs = bertkit.load(result.folder, dtype="float32"), bertkit.load(teacher, dtype="float32")
    assert [one.labels[0].label for one in model.predict(TEXTS)] == [
        one.labels[0].label for one in theirs.predict(TEXTS)
    ]
    assert describe(result.folder).record()["cascade"]["answered"] > 0.9  # type: ignore[index]


def test_long_texts_in_windows_and_pairs(made: Path) -> None:
    model = bertkit.load(made, dtype="float32", long="window")
    rows = [" ".join(TEXTS), ("w1 w2", "w3"), " ".join(TEXTS[:9])]
    together = [one.labels for one in model.predict(rows)]
    for row, labels in zip(rows, together, strict=True):
        alone = model.predict(row).labels
        assert [one.label for one in labels] == [one.label for one in alone]
        assert [one.score for one in labels] == pytest.approx([one.score for one in alone], abs=1e-5)


def test_several_labels(tmp_path: Path) -> None:
    teacher = small_classifier(tmp_path / "model", problem_type="multi_label_classification")
    scores_NC = bertkit.load(teacher, dtype="float32").predict_proba(TEXTS * 3)
    lines = [
        json.dumps(
            {
                "text": text,
                "label": [label for label, score in zip(("no", "yes", "maybe"), row, strict=True) if score > 0.5],
            }
        )
        for text, row in zip(TEXTS * 3, scores_NC, strict=True)
    ]
    (tmp_path / "data.jsonl").write_text("\n".join(lines) + "\n")
    student = make_student(teacher, tmp_path / "student")
    result = compress(
        job(teacher, student, tmp_path / "out", data=tmp_path / "data.jsonl", max_loss=5.0, problem="multi-label")
    )
    assert result.loss is not None
    assert result.loss.metric in ("f1_micro", "f1_macro")
    assert isinstance(bertkit.load(result.folder).answerer.engine.backend, CascadeBackend)
    single = bertkit.load(result.folder, problem="single-label")  # the confidence is of another problem
    assert not isinstance(single.answerer.engine.backend, CascadeBackend)


def test_the_teacher_alone_does_the_rest(made: Path) -> None:
    assert bertkit.load(made, task="sentence-embedding").predict("w1").record()
    assert bertkit.load(made).explain("w1 w2")


def test_bounds_that_cannot_be_met(teacher: Path, made: Path, tmp_path: Path) -> None:
    with pytest.raises(LossTooLarge, match="wherever the student answers") as refused:
        compress(job(teacher, made / STUDENT, tmp_path / "out", max_loss=-1.0))
    assert "--max-loss" in refused.value.remedy
    other = small_classifier(tmp_path / "other")
    wild = make_student(other, tmp_path / "wild", noise=3.0)
    with pytest.raises(LossTooLarge):
        compress(job(teacher, wild, tmp_path / "out", max_loss=0.0))
    assert not (tmp_path / "out").exists()


def test_nothing_is_gained(teacher: Path, made: Path, speeds: list[float], tmp_path: Path) -> None:
    speeds[1] = 990.0
    with pytest.raises(NothingGained, match=r"0\.99 times as fast"):
        compress(job(teacher, made / STUDENT, tmp_path / "out", max_loss=4.0))
    assert not (tmp_path / "out").exists()


def test_what_does_not_go_together(teacher: Path, made: Path, tmp_path: Path) -> None:
    out, student = tmp_path / "out", made / STUDENT
    config = json.loads((student / "config.json").read_text())
    other = make_student(teacher, tmp_path / "other")
    config["id2label"] = {"0": "no", "1": "yes", "2": "perhaps"}
    (other / "config.json").write_text(json.dumps(config))
    with pytest.raises(UserError, match=r"'maybe' of the teacher, 'perhaps' of the student"):
        compress(job(teacher, other, out))
    with pytest.raises(UserError, match="a cascade takes one network"):
        compress(job(made, student, out))
    with pytest.raises(UserError, match="compression to int8 takes one network"):
        compress(job(made, student, out, cascade=None, to="int8"))
    with pytest.raises(UserError, match="an export takes one network"):
        export(ExportConfig(model=str(made), output=str(out), to=["onnx"]))
    with pytest.raises(UserError, match="a cascade for sentence-embedding"):
        compress(job(teacher, student, out, task="sentence-embedding"))
    few = write_table(tmp_path / "few.tsv", labelled_texts(teacher, 30))
    with pytest.raises(InputError, match="30 examples"):
        compress(job(teacher, student, out, data=few))
    with pytest.raises(ValueError, match="a cascade is chosen"):
        job(teacher, student, out, data=None)
    with pytest.raises(ValueError, match="to and cascade are both given"):
        job(teacher, student, out, to="bf16")
