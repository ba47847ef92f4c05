"""`bertkit finetune --task fill-mask` as a user types it: masked language modelling goes on, on text of a few words."""

from __future__ import annotations

import json
import math
import random
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from transformers import BertForMaskedLM

from tests.cli.conftest import Ended
from tests.parity.bert_peer import Sizes, make_peer
from tests.parity.task_peers import make_task_peer

Run = Callable[..., Ended]
SIZES = Sizes(layers=1, segment_types=2)
FAST = ("--set", "train.epochs=6", "--set", "train.optimiser.learning_rate=1e-2", "--set", "train.batch_samples=16")


@pytest.fixture(autouse=True)
def _fake_model() -> None:
    """No fake here: what was trained answers."""


def write_texts(path: Path, count: int, seed: int) -> str:
    """Texts of one word said again and again, so that a masked one can be told from the others; some are long."""
    chance = random.Random(seed)
    lines = [" ".join([f"w{chance.randrange(8)}"] * chance.choice([4, 8, 12, 50])) for _ in range(count)]
    path.write_text("\n".join(lines) + "\n")
    return str(path)


def test_text_is_learnt_and_measured_alike(run: Run, tmp_path: Path) -> None:
    make_peer(SIZES, tmp_path / "model", deviation=0.1)
    train, held_out = write_texts(tmp_path / "train.txt", 160, 1), write_texts(tmp_path / "held.txt", 40, 2)
    place = str(tmp_path / "run")
    options = ("--task", "fill-mask", "-m", str(tmp_path / "model"), "--train", train, "--eval", held_out, "-o", place)
    code, out, err = run("finetune", *options, *FAST, "--set", "data.length=16", "--json")
    assert code == 0, err
    metrics = json.loads(out.splitlines()[-1])["metrics"]
    assert list(metrics) == ["loss", "accuracy", "pseudo_perplexity"]
    assert metrics["accuracy"] > 0.8
    assert metrics["loss"] < 1 < metrics["pseudo_perplexity"] < 3
    assert " windows), " in err
    assert "no masked-language-model head" not in err

    judged = ("--task", "fill-mask", "--data", held_out, "--dtype", "float32", "--json")
    code, out, err = run("evaluate", "-m", place, *judged)
    assert code == 0, err
    assert json.loads(out)["metrics"] == pytest.approx(metrics, rel=1e-5)
    code, out, _ = run("evaluate", "-m", str(tmp_path / "model"), *judged)
    assert json.loads(out)["metrics"]["loss"] > metrics["loss"] + 1

    code, out, _ = run("predict", "-m", place, "--dtype", "float32", "--json", "w5 w5 [MASK] w5")
    best = json.loads(out)["fills"][0][0]
    assert best["token"] == "w5"
    peer = BertForMaskedLM.from_pretrained(tmp_path / "run/model").eval()
    ids = torch.tensor([[2, 15, 15, 4, 15, 3]])
    with torch.no_grad():
        theirs = peer(input_ids=ids).logits[0, 3].softmax(-1)
    assert int(theirs.argmax()) == best["id"] == 15
    assert float(theirs.max()) == pytest.approx(best["score"], abs=1e-4)


def test_a_model_without_the_head_gets_a_new_one_and_says_so(run: Run, tmp_path: Path) -> None:
    make_task_peer("text-classification", tmp_path / "model", sizes=SIZES)
    train = write_texts(tmp_path / "train.txt", 40, 1)
    options = ("--task", "fill-mask", "-m", str(tmp_path / "model"), "--train", train, "-o", str(tmp_path / "run"))
    code, out, err = run("finetune", *options, "--set", "train.epochs=1", "--set", "task.masking.unit=word", "--json")
    assert code == 0, err
    assert "the model has no masked-language-model head: a new one begins at random" in err
    assert "36 examples to learn from" in err
    assert math.isfinite(json.loads(out.splitlines()[-1])["metrics"]["loss"])
    BertForMaskedLM.from_pretrained(tmp_path / "run/model")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--long", "error"), "train.txt:1: the text has 52 tokens"),
        (("--set", "train.best_by=losss"), "train.best_by is 'losss' (did you mean 'loss'?)"),
        (("--set", "task.masking.rate=2"), "task.masking.rate"),
        (("--set", "data.format=squad"), "fill-mask is not read from format 'squad'"),
    ],
)
def test_what_cannot_be_learnt(options: tuple[str, str], words: str, run: Run, tmp_path: Path) -> None:
    make_peer(SIZES, tmp_path / "model")
    (tmp_path / "train.txt").write_text("w1 " * 50 + "\nw2 w2\nw3 w3\n")
    given = {"--task": "fill-mask", "-m": str(tmp_path / "model"), "--train": str(tmp_path / "train.txt")}
    given |= {"-o": str(tmp_path / "run"), options[0]: options[1]}
    line = [part for pair in given.items() for part in pair]
    code, _, err = run("finetune", *line, "--set", "train.epochs=1")
    assert code == 2
    assert words in err


def test_masking_is_for_masks(run: Run, tmp_path: Path) -> None:
    make_peer(SIZES, tmp_path / "model")
    (tmp_path / "train.csv").write_text("text,label\nw1,a\nw2,b\nw3,a\nw4,b\n")
    options = ("-m", str(tmp_path / "model"), "--train", str(tmp_path / "train.csv"), "-o", str(tmp_path / "run"))
    code, _, err = run("finetune", "--task", "text-classification", *options, "--set", "task.masking.rate=0.2")
    assert code == 2
    assert "task.masking is set, and text-classification masks nothing" in err
