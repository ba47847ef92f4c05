from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, f1_score

import bertkit
from bertkit.config.evaluation import EvaluateConfig
from bertkit.errors import OutputError
from bertkit.inference.model import Model
from bertkit.workflows.evaluate import evaluate
from bertkit.workflows.evaluation import Evaluation
from tests.workflows.small_jobs import labelled_texts, small_classifier, write_table


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return small_classifier(tmp_path_factory.mktemp("job") / "<model>")


@pytest.fixture(scope="module")
def rows(folder: Path) -> list[dict[str, str]]:
    return labelled_texts(folder, 60)


@pytest.fixture(scope="module")
def data(folder: Path, rows: list[dict[str, str]]) -> str:
    return str(write_table(folder.parent / "data.tsv", rows))


@pytest.fixture(scope="module")
def model(folder: Path) -> Model:
    return bertkit.load(folder, dtype="float32", long="window")


@pytest.fixture(scope="module")
def found(model: Model, data: str) -> Evaluation:
    return evaluate(EvaluateConfig(data=data), model=model)


def test_metrics_are_those_of_scikit_learn_and_lie_in_their_intervals(
    found: Evaluation, model: Model, rows: list[dict[str, str]]
) -> None:
    right = [row["label"] for row in rows]
    said = np.array(model.labels)[model.predict_proba([row["text"] for row in rows]).argmax(1)]
    assert found.metrics["accuracy"] == pytest.approx(accuracy_score(right, said))
    assert found.metrics["f1_macro"] == pytest.approx(f1_score(right, said, average="macro"))
    assert found.intervals.keys() == found.metrics.keys()
    for name, interval in found.intervals.items():
        assert interval.low <= found.metrics[name] == interval.value <= interval.high
    assert {*found.labels} == {*model.labels}


def test_errors_are_all_mistakes_the_worst_first(found: Evaluation, data: str) -> None:
    wrong = round((1 - found.metrics["accuracy"]) * 60)
    assert len(found.errors) == wrong > 3
    first = found.errors[0]
    assert first.place.startswith(f"{data}:")
    assert not first.said.startswith(first.right)
    assert [one.loss for one in found.errors] == sorted((one.loss for one in found.errors), reverse=True)
    assert found.report.wrong == wrong
    assert list(found.errors[: len(found.report.mistakes)]) == list(found.report.mistakes)


def test_how_it_is_shown(found: Evaluation, tmp_path: Path) -> None:
    accuracy = f"accuracy {found.metrics['accuracy']:.4f}"
    assert repr(found).startswith(f"<bertkit.Evaluation text-classification: {accuracy}, f1_macro ")
    assert "\n" not in repr(found)
    html = found._repr_html_()
    assert "&lt;model&gt;" in html
    assert "<model>" not in html
    interval = found.intervals["accuracy"]
    assert f">{interval.low:.4f} to {interval.high:.4f}</td>" in html
    found.save_report(tmp_path / "report.html")
    assert (tmp_path / "report.html").read_text(encoding="utf-8") == found.page()
    with pytest.raises(OutputError, match="does not exist"):
        found.save_report(tmp_path / "nowhere" / "report.html")
