from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow
import pytest

import bertkit
from bertkit.errors import InputError, UserError
from bertkit.inference.model import Model
from bertkit.workflows.evaluation import Evaluation
from tests.formats.test_frames import Frame
from tests.workflows.small_jobs import labelled_texts, small_classifier, write_table

Rows = list[dict[str, str]]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return small_classifier(tmp_path_factory.mktemp("job") / "model")


@pytest.fixture(scope="module")
def rows(folder: Path) -> Rows:
    return labelled_texts(folder, 40)


@pytest.fixture(scope="module")
def model(folder: Path) -> Model:
    return bertkit.load(folder, dtype="float32")


@pytest.fixture(scope="module")
def from_file(model: Model, rows: Rows, folder: Path) -> Evaluation:
    return bertkit.evaluate(model, write_table(folder.parent / "data.tsv", rows))


@pytest.mark.parametrize(
    "shape",
    [
        list,
        iter,
        pyarrow.Table.from_pylist,
        lambda rows: Frame({name: [row[name] for row in rows] for name in rows[0]}),
        lambda rows: {name: [row[name] for row in rows] for name in rows[0]},
        lambda rows: [pyarrow.Table.from_pylist(rows[:9]), pyarrow.Table.from_pylist(rows[9:])],
    ],
    ids=["dicts", "iterator", "arrow", "pandas", "columns", "several"],
)
def test_rows_in_memory_are_measured_as_those_of_a_file(
    model: Model, rows: Rows, from_file: Evaluation, shape: Callable[[Rows], Any]
) -> None:
    found = bertkit.evaluate(model, shape(rows))
    assert found.metrics == from_file.metrics
    assert found.intervals == from_file.intervals
    assert [(one.asked, one.said) for one in found.errors] == [(one.asked, one.said) for one in from_file.errors]
    assert found.errors[0].place.startswith("data ")


def test_files_a_folder_and_columns_by_name(model: Model, rows: Rows, from_file: Evaluation, tmp_path: Path) -> None:
    renamed = [{"review": row["text"], "stars": row["label"]} for row in rows]
    halves = [write_table(tmp_path / "a.tsv", renamed[:9]), str(write_table(tmp_path / "b.tsv", renamed[9:]))]
    named = {"text": "review", "label": "stars"}
    for columns in ({"text_column": "review", "label_column": "stars"}, {"columns": named}):
        found = bertkit.evaluate(model.source, halves, "text-classification", dtype="float32", **columns)
        assert found.metrics == from_file.metrics
    assert f"{halves[0]} and 1 more" in repr(found)


def test_predictions_beside_others(model: Model, rows: Rows, from_file: Evaluation, tmp_path: Path) -> None:
    records = [answer.record() for answer in model.predict([row["text"] for row in rows])]
    said = tmp_path / "said.jsonl"
    said.write_text("".join(json.dumps(record) + "\n" for record in records))
    found = bertkit.evaluate(None, rows, predictions=said, against=said)
    assert found.metrics == from_file.metrics
    assert found.comparison["accuracy"].difference == 0


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"lable_column": "stars"}, r"no option 'lable_column' \(did you mean 'label_column'\?\)"),
        ({"probelm": "regression"}, r"no option 'probelm' \(did you mean 'problem'\?\)"),
        ({"long": "window"}, "long of a model that is loaded already"),
        ({"task": "fill-mask"}, "loaded for text-classification, not for fill-mask"),
        ({"problem": "regresion"}, r"evaluate\(\): 'problem'"),
        ({"format": "csv", "text_column": "review"}, "no column 'review'"),
    ],
)
def test_what_cannot_be_said(model: Model, rows: Rows, options: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError, match=message):
        bertkit.evaluate(model, rows, **options)


def test_no_model_no_data_and_a_bad_row(model: Model, rows: Rows) -> None:
    with pytest.raises(UserError, match="model is of type int"):
        bertkit.evaluate(3, rows)  # type: ignore[arg-type]
    with pytest.raises(UserError, match="data is of type int, neither a path nor rows"):
        bertkit.evaluate(model, 3)  # type: ignore[arg-type]
    with pytest.raises(UserError, match="did you mean 'text-classification'"):
        bertkit.evaluate(model.source, rows, "text-clasification")
    with pytest.raises(InputError, match="data row 2: "):
        bertkit.evaluate(model, [rows[0], {"text": "w1", "label": None}])


def test_a_calibration_is_kept_of_a_folder_or_a_loaded_model(tmp_path: Path) -> None:
    folder = small_classifier(tmp_path / "model")
    rows = labelled_texts(folder, 200)
    model = bertkit.load(folder, dtype="float32")
    found = bertkit.calibrate(model, rows)
    again = bertkit.calibrate(folder, rows, dtype="float32", abstain_at_precision=0.5)
    assert again.kept.temperature == found.kept.temperature
    assert again.abstaining is not None
    assert bertkit.load(folder).predict("w1").record()["abstained"] in (True, False)
    assert bertkit.evaluate(bertkit.load(folder), rows).notes  # it was fitted on these
    with pytest.raises(UserError, match=r"calibrate\(\): no option 'abstain_at' \(did you mean 'abstain_at_precision'"):
        bertkit.calibrate(folder, rows, abstain_at=0.5)  # type: ignore[call-arg]
    with pytest.raises(UserError, match="calibrate with predictions"):
        bertkit.calibrate(None, rows, predictions="said.jsonl", task="text-classification")  # type: ignore[arg-type]
