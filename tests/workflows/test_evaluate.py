from __future__ import annotations

from pathlib import Path

import pytest

import bertkit
from bertkit.config.evaluation import EvaluateConfig
from bertkit.errors import UserError
from bertkit.inference.model import Model
from bertkit.workflows.evaluate import evaluate
from bertkit.workflows.evaluation import Evaluation
from tests.parity.bert_peer import Sizes, make_peer
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


def test_a_loaded_model_and_its_folder_measure_the_same(found: Evaluation, folder: Path, data: str) -> None:
    named = evaluate(EvaluateConfig(model=str(folder), data=data, dtype="float32"))
    assert named.record(whole=True) == found.record(whole=True)
    assert named.task == "text-classification"


def test_masks_are_measured_but_are_no_examples(tmp_path: Path) -> None:
    make_peer(Sizes(), tmp_path / "model")
    (tmp_path / "text.txt").write_text("w1 w2 paris is\nw3 w4 w5\n")
    found = evaluate(EvaluateConfig(model=str(tmp_path / "model"), task="fill-mask", data=str(tmp_path / "text.txt")))
    assert {*found.metrics} == {"loss", "accuracy", "pseudo_perplexity"}
    assert (found.errors, found.intervals) == ((), {})
    assert "pseudo_perplexity" in found._repr_html_()
    with pytest.raises(UserError, match="masks are no examples"):
        found.save_report(tmp_path / "report.html")


def test_what_does_not_go_together(model: Model, folder: Path, data: str) -> None:
    with pytest.raises(UserError, match="loaded for text-classification, not for fill-mask"):
        evaluate(EvaluateConfig(data=data, task="fill-mask"), model=model)
    with pytest.raises(UserError, match=r"model .*predictions"):
        evaluate(EvaluateConfig(data=data))
    with pytest.raises(UserError, match=r"model .*predictions"):
        evaluate(EvaluateConfig(data=data, predictions=data), model=model)
    with pytest.raises(UserError, match="--problem with sentence-embedding"):
        evaluate(EvaluateConfig(model=str(folder), task="sentence-embedding", problem="regression", data=data))
