"""What `bertkit finetune` does where nobody says how: a linear model first, epochs by the data, and comparisons."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
import transformers

from bertkit.pretrained.loading import load_encoder, open_pretrained
from bertkit.pretrained.sentence_transformers import Reads, SentenceSettings
from bertkit.pretrained.sentence_writing import write_settings
from bertkit.runs.metrics_file import read_metrics
from tests.cli.conftest import Ended
from tests.cli.test_finetune import write_texts
from tests.parity.bert_peer import Sizes, make_peer

Run = Callable[..., Ended]
SIZES = Sizes(layers=1, segment_types=2)


@pytest.fixture(autouse=True)
def _fake_model() -> None:
    """No fake here: what was fine-tuned answers."""


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("model")
    make_peer(SIZES, folder, deviation=0.1)
    return folder


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str]:
    folder = tmp_path_factory.mktemp("examples")
    return write_texts(folder / "train.tsv", 160, 1), write_texts(folder / "eval.tsv", 40, 2)


def options(model: Path, files: tuple[str, str], place: Path) -> tuple[str, ...]:
    train, held_out = files
    return "--task", "text-classification", "-m", str(model), "--train", train, "--eval", held_out, "-o", str(place)


def evaluations(place: Path) -> dict[int, float]:
    records = read_metrics(place / "metrics.jsonl")
    return {one["step"]: one["evaluation"]["accuracy"] for one in records if "evaluation" in one}  # type: ignore


def test_what_a_run_says(run: Run, model: Path, files: tuple[str, str], tmp_path: Path) -> None:
    place = tmp_path / "run"
    code, out, err = run("finetune", *options(model, files, place), "--epochs", "2", "--learning-rate", "1e-3")
    assert code == 0, err
    measured = evaluations(place)
    assert list(measured) == [0, 5, 10]
    best = max(measured.values())
    assert f"{best:.4f}" in out
    assert "for comparison, always the most frequent: accuracy 0.5000" in err
    assert "for comparison, words counted (TF-IDF): accuracy 1.0000" in err
    assert f"accuracy {best:.4f}; on the same 40 examples: always the most frequent 0.5000" in err
    card = (place / "model/README.md").read_text()
    assert "| words counted (TF-IDF) | 1.0000 |" in card
    assert f"| its own head before the first step | {measured[0]:.4f} |" in card
    page = tmp_path / "report.html"
    measure = ("--task", "text-classification", "-m", str(place), "--data", files[1], "--report", str(page))
    code, _, err = run("evaluate", *measure)
    assert code == 0, err
    assert "Beside simpler models" in page.read_text()
    assert "words counted (TF-IDF)" in page.read_text()


def test_epochs_by_the_data(run: Run, model: Path, files: tuple[str, str], tmp_path: Path) -> None:
    code, _, err = run("finetune", *options(model, files, tmp_path / "run"))
    assert code == 0, err
    assert "10 epochs, because 160 examples" in err


def test_a_run_never_ends_below_its_linear_model(run: Run, model: Path, files: tuple[str, str], tmp_path: Path) -> None:
    place = tmp_path / "run"
    harmful = ("--epochs", "1", "--learning-rate", "0.5", "--json")
    code, out, err = run("finetune", *options(model, files, place), *harmful)
    assert code == 0, err
    measured = evaluations(place)
    assert measured[5] < measured[0]
    assert json.loads(out.splitlines()[-1])["metrics"]["accuracy"] == measured[0]
    code, out, _ = run("evaluate", "--task", "text-classification", "-m", str(place), "--data", files[1], "--json")
    assert json.loads(out)["metrics"]["accuracy"] == measured[0]


def test_quick_changes_the_head_alone(run: Run, model: Path, files: tuple[str, str], tmp_path: Path) -> None:
    place = tmp_path / "run"
    code, out, err = run("finetune", *options(model, files, place), "--quick", "--json")
    assert code == 0, err
    assert json.loads(out.splitlines()[-1])["metrics"]["accuracy"] > 0.6
    assert list(evaluations(place)) == [0]
    before, after = load_encoder(model).state_dict(), load_encoder(place).state_dict()
    assert all(before[name].equal(tensor) for name, tensor in after.items())
    code, again, err = run("finetune", *options(model, files, place), "--quick", "--json")
    assert (code, again.splitlines()[-1]) == (0, out.splitlines()[-1]), err


def test_quick_needs_a_linear_head(run: Run, model: Path, tmp_path: Path) -> None:
    pairs = tmp_path / "pairs.jsonl"
    pairs.write_text("".join(f'{{"text": "w{n}", "text_pair": "w{n + 1}"}}\n' for n in range(20)))
    learnt = ("--task", "sentence-embedding", "-m", str(model), "--train", str(pairs), "-o", str(tmp_path / "run"))
    code, _, err = run("finetune", *learnt, "--quick")
    assert code == 2
    assert "--quick is for a new head that is one linear layer: sentence-embedding has none" in err


@pytest.mark.parametrize("key", ["epochs", "batch_samples", "learning_rate", "rank"])
def test_a_setting_without_its_table(key: str, run: Run, model: Path, files: tuple[str, str], tmp_path: Path) -> None:
    code, _, err = run("finetune", *options(model, files, tmp_path / "run"), "--set", f"{key}=5")
    tables = {"learning_rate": "train.optimiser", "rank": "model.lora"}
    assert code == 2
    assert f"unknown key '{key}' (did you mean '{tables.get(key, 'train')}.{key}'?)" in err


def test_the_mean_is_read_where_the_checkpoint_was_trained_so(
    run: Run, model: Path, files: tuple[str, str], tmp_path: Path
) -> None:
    start, place = tmp_path / "start", tmp_path / "run"
    make_peer(SIZES, start, deviation=0.1)
    write_settings(start, SentenceSettings(normalize=True, reads=Reads(max_length=32)), SIZES.width)
    code, _, err = run("finetune", *options(start, files, place), "--epochs", "2")
    assert code == 0, err
    opened = open_pretrained(place / "model")
    assert (opened.config.layers, opened.family.heads["text-classification"].reads) == (1, "mean")
    code, out, _ = run("predict", "-m", str(place), "--json", "--dtype", "float32", "w11 w1", "w2 w30 w9 w8")
    ours = [{one["label"]: one["score"] for one in json.loads(line)["labels"]} for line in out.splitlines()]
    tokenizer = transformers.AutoTokenizer.from_pretrained(place / "model")
    theirs = transformers.AutoModelForSequenceClassification.from_pretrained(place / "model").eval()
    inputs = tokenizer(["w11 w1", "w2 w30 w9 w8"], return_tensors="pt", padding=True)
    with torch.inference_mode():
        expected = theirs(**inputs).logits.softmax(-1)
    for row, scores in zip(expected, ours, strict=True):
        assert scores == {
            theirs.config.id2label[place]: pytest.approx(float(score), abs=2e-4) for place, score in enumerate(row)
        }
    code, _, err = run("finetune", *options(place / "model", files, tmp_path / "again"), "--epochs", "1")
    assert code == 0, err
    assert open_pretrained(tmp_path / "again/model").config.layers == 1
    adapted = ("--epochs", "1", "--set", "model.lora.rank=2")
    code, _, err = run("finetune", *options(start, files, tmp_path / "lora"), *adapted)
    assert code == 0, err
    answers = []
    for folder in ("model", "adapter"):
        code, out, err = run("predict", "-m", str(tmp_path / "lora" / folder), "--json", "w11 w1")
        assert code == 0, err
        answers.append(json.loads(out)["labels"][0]["score"])
    assert answers[0] == pytest.approx(answers[1], abs=1e-5)
