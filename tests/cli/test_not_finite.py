"""NaN and infinity are no answer, no score and no model, whatever command meets them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from tests.cli.conftest import Ended
from tests.cli.test_finetune import write_texts
from tests.parity.bert_peer import Sizes, make_peer
from tests.parity.task_peers import make_task_peer

Run = Callable[..., Ended]
SPOILT = "encoder.layer.0.intermediate.dense.weight"
NAMED = "the weight encoder.layers.0.mlp.up.weight is not"
SIZES = Sizes(layers=1, segment_types=2, positions=64)


@pytest.fixture(autouse=True)
def _fake_model() -> None:
    """No fake here: the model computes NaN."""


def spoil(folder: Path) -> str:
    """Puts NaN into one weight of a model."""
    path = folder / "model.safetensors"
    tensors = load_file(path)
    (name,) = (name for name in tensors if name.endswith(SPOILT))
    tensors[name][0, 0] = torch.nan
    save_file(tensors, path, metadata={"format": "pt"})
    return str(folder)


@pytest.fixture(scope="module")
def classifier(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("classifier")
    make_task_peer("text-classification", folder, sizes=SIZES, labels=("bad", "good"))
    return spoil(folder)


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("plain")
    make_peer(SIZES, folder)
    return spoil(folder)


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    folder = tmp_path_factory.mktemp("files")
    pairs = [f"w{n} w{n + 1},w{n} w2,{n % 5}.5" for n in range(20)]
    (folder / "scored.csv").write_text("\n".join(["text,text_pair,score", *pairs]) + "\n")
    (folder / "pairs.csv").write_text("\n".join(["text,text_pair", *(one.rpartition(",")[0] for one in pairs)]) + "\n")
    (folder / "tags.conll").write_text("".join(f"w{n} B-PER\nw2 O\n\n" for n in range(9)))
    (folder / "lines.txt").write_text("".join(f"w{n} w{n + 2} w{n + 3}\n" for n in range(20)))
    names = {name: str(folder / name) for name in ("scored.csv", "pairs.csv", "tags.conll", "lines.txt")}
    return names | {"labels": write_texts(folder / "labels.tsv", 40, 1)}


@pytest.mark.parametrize(
    ("task", "file", "sets"),
    [
        ("text-classification", "labels", []),
        ("token-classification", "tags.conll", []),
        ("sentence-embedding", "scored.csv", []),
        ("sentence-embedding", "pairs.csv", []),
        ("sentence-embedding", "pairs.csv", ["task.negatives=1"]),
        ("fill-mask", "lines.txt", []),
    ],
    ids=["labels", "tags", "scored pairs", "pairs", "mined pairs", "masks"],
)
def test_nothing_is_learnt(
    task: str, file: str, sets: list[str], run: Run, plain: str, files: dict[str, str], tmp_path: Path
) -> None:
    options = [part for one in sets for part in ("--set", one)]
    place = tmp_path / "run"
    code, out, err = run("finetune", "--task", task, "-m", plain, "--train", files[file], "-o", str(place), *options)
    assert code == 1, err
    assert NAMED in err
    assert "→ The checkpoint may be damaged" in err  # not a word of the learning rate
    assert out == ""
    assert not (place / "model").exists()


def test_a_run_whose_every_step_was_skipped(
    run: Run, files: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where what it measures is finite all the same."""
    from bertkit.evaluation.held_out import HeldOutEvaluator

    monkeypatch.setattr(HeldOutEvaluator, "measure", lambda self, training_module, parallelism: {"accuracy": 0.5})
    make_peer(SIZES, tmp_path / "model")
    line = ("finetune", "--task", "text-classification", "-m", spoil(tmp_path / "model"), "--train", files["labels"])
    for _ in range(2):  # the second one goes on from the last checkpoint
        code, _, err = run(*line, "-o", str(tmp_path / "run"), "--set", "train.epochs=1")
        assert code == 1
        assert "error: nothing was learnt, for none of " in err
        assert not (tmp_path / "run/model").exists()


def test_a_rate_that_blows_up(run: Run, files: dict[str, str], tmp_path: Path) -> None:
    make_peer(SIZES, tmp_path / "model")
    line = ("finetune", "--task", "text-classification", "-m", str(tmp_path / "model"), "--train", files["labels"])
    code, _, err = run(*line, "-o", str(tmp_path / "run"), "--set", "train.optimiser.learning_rate=1e30")
    assert code == 1
    assert "output is not finite" in err
    assert "→ Lower train.optimiser.learning_rate" in err
    assert not (tmp_path / "run/model").exists()


@pytest.mark.parametrize("more", [[], ["--calibrate"], ["--json"], ["--dtype", "bfloat16"]])
def test_nothing_is_measured(more: list[str], run: Run, classifier: str, files: dict[str, str]) -> None:
    line = ("evaluate", "--task", "text-classification", "-m", classifier, "--data", files["labels"])
    code, out, err = run(*line, *more)
    assert (code, out) == (1, "")
    assert "labels.tsv:2: the model's output is not finite" in err
    assert NAMED in err


def test_no_masks_are_measured(run: Run, plain: str, files: dict[str, str]) -> None:
    code, out, err = run("evaluate", "--task", "fill-mask", "-m", plain, "--data", files["lines.txt"])
    assert (code, out) == (1, "")
    assert NAMED in err


def test_nothing_is_taught(run: Run, classifier: str, files: dict[str, str], tmp_path: Path) -> None:
    place = tmp_path / "run"
    code, _, err = run("distill", "--teacher", classifier, "--train", files["lines.txt"], "-o", str(place))
    assert code == 1
    assert "error: the teacher's output is not finite" in err
    assert NAMED in err
    assert not (place / "model").exists()


@pytest.mark.parametrize(
    "more", [[], ["--json"], ["--explain", "attribution"], ["--explain", "heads"], ["--task", "feature-extraction"]]
)
def test_nothing_is_answered(more: list[str], run: Run, classifier: str) -> None:
    code, out, err = run("predict", "-m", classifier, "w1 w2", *more)
    assert (code, out) == (1, "")
    assert "error: argument 1: the model's output is not finite" in err
    assert NAMED in err


def test_failures_can_be_recorded(run: Run, classifier: str) -> None:
    code, out, _ = run("predict", "-m", classifier, "w1 w2", "--on-error", "record", "--json")
    assert code == 0
    assert '"type": "NotFinite"' in out


def test_an_explanation_reads_other_tokens_than_the_text(run: Run, tmp_path: Path) -> None:
    make_task_peer("text-classification", tmp_path, sizes=SIZES, labels=("bad", "good"))
    tensors = load_file(tmp_path / "model.safetensors")
    (name,) = (name for name in tensors if name.endswith("word_embeddings.weight"))
    mask = (tmp_path / "vocab.txt").read_text().split("\n").index("[MASK]")
    tensors[name][mask] = torch.nan
    save_file(tensors, tmp_path / "model.safetensors", metadata={"format": "pt"})
    assert run("predict", "-m", str(tmp_path), "w1 w2").code == 0
    code, _, err = run("predict", "-m", str(tmp_path), "w1 w2", "--explain", "attribution")
    assert code == 1
    assert "the explanation is not finite" in err
    assert "encoder.embeddings.token.weight" in err
