"""`bertkit evaluate --calibrate` as a user types it, on a real model of a few words."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from pathlib import Path

import pytest

import bertkit
from tests.cli.conftest import Ended
from tests.parity.task_peers import make_task_peer

Run = Callable[..., Ended]
FILE = "bertkit_calibration.json"


@pytest.fixture(autouse=True)
def _fake_model() -> None:
    """No fake here: what was calibrated answers."""


@pytest.fixture
def model(tmp_path: Path) -> Path:
    make_task_peer("text-classification", tmp_path / "model", deviation=0.4)
    return tmp_path / "model"


@pytest.fixture
def data(tmp_path: Path, model: Path) -> str:
    """Texts whose labels are drawn from the model's probabilities at a temperature of 3: it is far too sure."""
    chance = random.Random(0)
    texts = [" ".join(f"w{chance.randrange(60)}" for _ in range(chance.randrange(1, 9))) for _ in range(300)]
    results = bertkit.load(model, dtype="float32").predict(texts)
    rows = ["text\tlabel"]
    for text, result in zip(texts, results, strict=True):
        scores = {one.label: one.score ** (1 / 3) for one in result.labels}  # type: ignore[attr-defined]
        rows.append(f"{text}\t{chance.choices(list(scores), list(scores.values()))[0]}")
    (tmp_path / "data.tsv").write_text("\n".join(rows) + "\n")
    return str(tmp_path / "data.tsv")


def test_calibrated_and_applied(run: Run, model: Path, data: str, tmp_path: Path) -> None:
    line = ("evaluate", "--task", "text-classification", "-m", str(model), "--data", data)
    code, out, err = run(*line, "--json")
    assert code == 0, err
    before = json.loads(out)
    code, out, err = run(*line, "--calibrate", "--abstain-at-precision", "0.7", "--json")
    assert code == 0, err
    kept = json.loads(out)["kept"]
    assert kept["error_after"] < kept["error_before"] / 2
    assert kept["temperature"] == pytest.approx(3, rel=0.3)
    assert json.loads((model / FILE).read_text())["temperature"] == kept["temperature"]
    assert json.loads(out)["metrics"] == before["metrics"]

    page = str(tmp_path / "report.html")
    code, out, err = run(*line, "--report", page, "--json")
    assert (code, json.loads(out)["metrics"]) == (0, before["metrics"])
    assert "was fitted on" in err, "the user is told that these are the examples that it was fitted on"
    facts = json.loads(out)
    assert facts["calibration"]["error_before"] < kept["error_before"] / 2
    assert 0 < facts["abstained"]["share"] < 1
    assert facts["abstained"]["accuracy_of_the_others"] >= 0.7
    assert "Abstaining" in Path(page).read_text()

    code, out, _ = run("predict", "-m", str(model), "-i", data, "--json")
    records = [json.loads(line) for line in out.splitlines()]
    assert {record["abstained"] for record in records} == {True, False}
    assert all(record["abstained"] == (record["labels"][0]["score"] < kept["abstain_below"]) for record in records)
    code, out, _ = run("predict", "-m", str(model), "-i", data)
    assert out.count("too unsure to answer") == sum(record["abstained"] for record in records)
    code, out, _ = run("info", str(model))
    assert str(kept["temperature"]) in out.split()

    out = run(*line, "--calibrate", "--json").out
    assert json.loads(out)["kept"]["temperature"] == kept["temperature"], "it begins from the weights each time"
    assert json.loads((model / FILE).read_text())["abstain_below"] is None


def test_what_a_person_reads(run: Run, model: Path, data: str) -> None:
    line = ("evaluate", "--task", "text-classification", "-m", str(model), "--data", data)
    code, out, err = run(*line, "--calibrate", "--abstain-at-precision", "0.7")
    assert code == 0, err
    lines = out.splitlines()
    assert lines[-4].startswith("expected calibration error: ")
    assert lines[-3].startswith("temperature: ")
    assert lines[-2].startswith("abstains below a score of ")
    assert lines[-1] == f"kept in {model / FILE}; {data} is no test set of this model any more"


def test_fine_tuning_goes_on_from_the_weights_alone(run: Run, model: Path, data: str, tmp_path: Path) -> None:
    line = ("evaluate", "--task", "text-classification", "-m", str(model), "--data", data, "--calibrate")
    assert run(*line).code == 0
    place = tmp_path / "run"
    options = ("--task", "text-classification", "-m", str(model), "--train", data, "-o", str(place))
    code, _, err = run("finetune", *options, "--set", "train.epochs=0.3")
    assert code == 0, err
    assert not (place / "model" / FILE).exists()
    card = (place / "model/README.md").read_text()
    assert " to " in card.split("## Results")[1].split("## Data")[0], "each measure has its interval"
    assert "Energy: not measured" in card


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("-m", "{model}", "--abstain-at-precision", "0.9"), "--abstain-at-precision without --calibrate"),
        (("--predictions", "x", "--calibrate"), "--calibrate with predictions"),
        (("-m", "{model}", "--calibrate", "--problem", "regression"), "--calibrate with regression"),
        (("-m", "{model}", "--calibrate", "--abstain-at-precision", "1.5"), "less than or equal to 1"),
        (("-m", "{model}", "--calibrate", "--data", "{few}"), "19 examples say little of how sure a model may be"),
        (("-m", "./gone/away", "--calibrate"), "./gone/away"),
    ],
)
def test_wrong_use_changes_nothing(
    run: Run, model: Path, data: str, options: tuple[str, ...], said: str, tmp_path: Path
) -> None:
    few = tmp_path / "few.tsv"
    few.write_text("\n".join(Path(data).read_text().splitlines()[:20]))
    given = [one.format(model=model, few=few) for one in options]
    code, out, err = run("evaluate", "--task", "text-classification", "--data", data, *given)
    assert (code, out) == (2, "")
    assert said in err
    assert not (model / FILE).exists()


def test_only_labels_of_texts_and_models_of_ones_own(run: Run, data: str) -> None:
    from bertkit.checkpoints.embedded import embedded_folder

    own = ("-m", str(embedded_folder()), "--data", data, "--calibrate")
    assert "is the built-in model" in run("evaluate", "--task", "text-classification", *own).err
    assert "--calibrate with token-classification" in run("evaluate", "--task", "token-classification", *own).err
