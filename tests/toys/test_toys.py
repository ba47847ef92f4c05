"""A new task and a new family are a file each: these answer, learn and are measured, and no other file knows them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

import bertkit
from bertkit.cli.main import main
from bertkit.families import catalogue as families
from bertkit.model.build import build_encoder
from bertkit.model.init import initialise
from bertkit.pretrained.from_state import from_state
from bertkit.pretrained.saving import save_pretrained
from bertkit.tasks import catalogue as tasks
from bertkit.tokenization.tokenizer import Tokenizer
from tests.parity.bert_peer import Sizes, make_peer
from tests.tokenization.conftest import write_folder
from tests.toys import toy_family, toy_task

WORDS = [f"w{number}" for number in range(60)]
FAST = ("--epochs", "6", "--learning-rate", "3e-3", "--batch-size", "16", "--set", "train.evaluations=1")


@pytest.fixture
def toy(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    monkeypatch.setattr(tasks, "TASKS", tasks.TASKS)
    tasks.register(toy_task.SPEC)
    yield toy_task.NAME
    del tasks.TASKS[toy_task.NAME]


@pytest.fixture
def house(tmp_path: Path) -> Iterator[Path]:
    """A folder with a checkpoint of the toy family."""
    families.register(toy_family.FAMILY)
    pieces = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *WORDS]
    tokenizer = Tokenizer.load(write_folder(tmp_path / "tokenizer", pieces))
    config = toy_family.FAMILY.presets["toy"].model_copy(
        update={"vocab_size": len(pieces), "width": 32, "heads": 4, "ffn_width": 64}
    )
    encoder = build_encoder(config)
    initialise(encoder, 0.2, torch.Generator().manual_seed(1))
    save_pretrained(
        from_state(toy_family.FAMILY, config, encoder.state_dict(), {}, tokenizer), tokenizer, tmp_path / "house"
    )
    yield tmp_path / "house"
    for name in toy_family.FAMILY.class_names:
        del families.FAMILIES[name]


def write_rows(path: Path, count: int, label: str, values: tuple[object, object]) -> str:
    rows = [
        {"text": f"{'w1' if number % 2 else 'w2'} w{10 + number % 40} w{11 + number % 7}", label: values[number % 2]}
        for number in range(count)
    ]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return str(path)


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> list[dict[str, object]]:
    code = main(arguments)
    out, err = capsys.readouterr()
    assert code == 0, err
    return [json.loads(line) for line in out.splitlines()]


def test_a_task_of_its_own_file(toy: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    make_peer(Sizes(layers=1, segment_types=2), tmp_path / "model", deviation=0.1)
    train = write_rows(tmp_path / "train.jsonl", 96, "db", (0.0, 1.0))
    test = write_rows(tmp_path / "test.jsonl", 40, "db", (0.0, 1.0))
    begun = ("finetune", "--task", toy, "-m", str(tmp_path / "model"), "--train", train, "--eval", test)
    *_, learnt = run(capsys, *begun, "-o", str(tmp_path / "run"), *FAST, "--json")
    assert learnt["metrics"]["heard"] > 0.9  # type: ignore[index]
    place = str(tmp_path / "run/model")
    loud, soft = run(capsys, "predict", "-m", place, "--task", toy, "--json", "w1 w20 w14", "w2 w20 w14")
    assert loud["loudness"] > 0.5 > soft["loudness"]  # type: ignore[operator]
    report = tmp_path / "report.html"
    (scored,) = run(capsys, "evaluate", "-m", place, "--task", toy, "--data", test, "--json", "--report", str(report))
    assert scored["metrics"] == pytest.approx(learnt["metrics"])  # type: ignore[index]
    assert "share of texts that were misheard" in report.read_text()
    predicted = tmp_path / "predicted.jsonl"
    assert main(["predict", "-m", place, "--task", toy, "-i", test, "-o", str(predicted)]) == 0
    capsys.readouterr()
    (again,) = run(capsys, "evaluate", "--predictions", str(predicted), "--data", test, "--json")
    assert again["metrics"] == scored["metrics"]


def test_a_family_of_its_own_file(house: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    written = json.loads((house / "config.json").read_text())
    assert (written["model_type"], written["floors"], written["architectures"]) == ("toybert", 2, ["ToyBertModel"])
    (vector,) = run(capsys, "predict", "-m", str(house), "--json", "w1 w2")
    assert len(vector["embedding"]) == 32  # type: ignore[arg-type]
    train = write_rows(tmp_path / "train.jsonl", 96, "label", ("low", "high"))
    test = write_rows(tmp_path / "test.jsonl", 40, "label", ("low", "high"))
    begun = ("finetune", "--task", "text-classification", "-m", str(house), "--train", train, "--eval", test)
    *_, learnt = run(capsys, *begun, "-o", str(tmp_path / "run"), *FAST, "--json")
    assert learnt["metrics"]["accuracy"] > 0.9  # type: ignore[index]
    model = tmp_path / "run/model"
    (scored,) = run(capsys, "evaluate", "-m", str(model), "--data", test, "--json")
    assert scored["metrics"] == pytest.approx(learnt["metrics"])  # type: ignore[index]
    assert bertkit.load(model).labels == ("high", "low")
