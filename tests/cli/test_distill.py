"""`bertkit distill` as a user types it: a teacher of two layers, a student of one, texts of a few words."""

from __future__ import annotations

import json
import random
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.conftest import Ended
from tests.cli.test_finetune import write_texts
from tests.parity.bert_peer import Sizes, make_peer
from tests.parity.task_peers import make_task_peer

Run = Callable[..., Ended]
SIZES = Sizes(layers=2, segment_types=2)
FAST = ("--set", "train.optimiser.learning_rate=3e-3", "--set", "train.batch_samples=16", "--json")


@pytest.fixture(autouse=True)
def _fake_model() -> None:
    """No fake here: teacher and student answer."""


@pytest.fixture(scope="module")
def teacher(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model with random weights, whose answers nobody could guess: a quarter of them are `bad`."""
    folder = tmp_path_factory.mktemp("teacher")
    make_task_peer("text-classification", folder, sizes=SIZES, labels=("bad", "good"), seed=5)
    return folder


def write_plain(path: Path, count: int, seed: int) -> str:
    chance = random.Random(seed)
    rows = [" ".join(f"w{chance.randrange(8)}" for _ in range(chance.randrange(1, 4))) for _ in range(count)]
    path.write_text("\n".join(rows) + "\n")
    return str(path)


def labels(run: Run, model: Path | str, texts: str) -> list[str]:
    code, out, err = run("predict", "-m", str(model), "--task", "text-classification", "--json", "-i", texts)
    assert code == 0, err
    return [json.loads(line)["labels"][0]["label"] for line in out.splitlines()]


def alike(ones: list[str], others: list[str]) -> float:
    return sum(one == other for one, other in zip(ones, others, strict=True)) / len(ones)


def test_a_student_agrees_with_its_teacher(run: Run, teacher: Path, tmp_path: Path) -> None:
    texts, fresh = write_plain(tmp_path / "texts.txt", 300, 1), write_plain(tmp_path / "fresh.txt", 100, 2)
    line = ("distill", "--teacher", str(teacher), "--train", texts, "--layers", "1", "-o")
    code, out, err = run(*line, str(tmp_path / "run"), *FAST, "--set", "train.epochs=8")
    assert code == 0, err
    record = json.loads(out.splitlines()[-1])
    assert record["metrics"]["agreement"] > 0.75
    assert min(record["texts_a_second"].values()) > 0
    code, _, err = run(*line, str(tmp_path / "untaught"), *FAST, "--set", "train.epochs=0.05")
    assert code == 0, err
    said = labels(run, teacher, fresh)
    assert set(said) == {"bad", "good"}
    after, before = (alike(said, labels(run, tmp_path / name, fresh)) for name in ("run", "untaught"))
    assert after > max(before, 0.75)
    card = (tmp_path / "run/model/README.md").read_text()
    assert f"distilled from {teacher.name}, beginning as some of its layers, with bertkit" in card


def test_killed_it_goes_on_to_the_same_student(run: Run, teacher: Path, tmp_path: Path) -> None:
    texts, place = write_plain(tmp_path / "texts.txt", 80, 1), tmp_path / "run"
    line = ("distill", "--teacher", str(teacher), "--train", texts, "-o", str(place), *FAST)
    keep = ("--set", "train.epochs=3", "--set", "train.keep_checkpoints=9")
    assert run(*line, *keep).code == 0
    whole = (place / "model/model.safetensors").read_bytes()
    *_, before_last, last = sorted((place / "checkpoints").glob("step-*"))
    shutil.rmtree(last)
    shutil.rmtree(place / "model")
    code, _, err = run(*line, *keep)
    assert code == 0, err
    assert f"going on after step {int(before_last.name[5:])}" in err
    assert (place / "model/model.safetensors").read_bytes() == whole


def test_labels_count_too_and_both_are_measured(run: Run, tmp_path: Path) -> None:
    """Pairs, and a student that is a model of its own."""
    make_task_peer("text-classification", tmp_path / "teacher", sizes=SIZES, labels=("bad", "good"))
    make_peer(Sizes(layers=1, segment_types=2), tmp_path / "student", deviation=0.1)
    train, held_out = write_texts(tmp_path / "train.tsv", 160, 1), write_texts(tmp_path / "eval.tsv", 40, 2)
    line = ("distill", "--teacher", str(tmp_path / "teacher"), "--student", str(tmp_path / "student"))
    given = ("--train", train, "--eval", held_out, "--text-pair-column", "label", "--set", "teacher.labels=0.9")
    code, _, err = run(*line, *given, "-o", str(tmp_path / "pairs"), *FAST, "--set", "train.epochs=1")
    assert code == 0, err
    given = ("--train", train, "--eval", held_out, "--set", "teacher.labels=0.9")
    code, out, err = run(*line, *given, "-o", str(tmp_path / "run"), *FAST, "--set", "train.epochs=8")
    assert code == 0, err
    assert "a teacher of 2 layers, a student of 1; labels are 90% of the loss" in err
    record = json.loads(out.splitlines()[-1])
    assert record["metrics"]["accuracy"] >= 0.9 > record["teacher"]["accuracy"]
    judged = ("--task", "text-classification", "--data", held_out, "--json")
    code, out, _ = run("evaluate", "-m", str(tmp_path / "run"), *judged)
    assert json.loads(out)["metrics"] == pytest.approx(record["metrics"])
    code, out, _ = run("evaluate", "-m", str(tmp_path / "teacher"), *judged)
    assert json.loads(out)["metrics"] == pytest.approx(record["teacher"])


@pytest.mark.parametrize(
    ("texts", "alone"), [("texts.txt", "plain lines have no columns"), ("texts.csv", "no column 'verdict'")]
)
def test_only_the_examples_to_measure_on_need_the_columns(
    texts: str, alone: str, run: Run, teacher: Path, tmp_path: Path
) -> None:
    lines = "".join(f"w{number}\n" for number in range(1, 33))
    (tmp_path / texts).write_text(lines if texts.endswith(".txt") else f"review\n{lines}")
    (tmp_path / "eval.csv").write_text("review,verdict\nw1,bad\nw2,good\n")
    given = ("--teacher", str(teacher), "--train", str(tmp_path / texts), *FAST, "--set", "train.epochs=1")
    named = ("--text-column", "review", "--label-column", "verdict")
    code, out, err = run("distill", *given, "--eval", str(tmp_path / "eval.csv"), *named, "-o", str(tmp_path / "run"))
    assert code == 0, err
    assert "accuracy" in json.loads(out.splitlines()[-1])["teacher"]
    code, _, err = run("distill", *given, *named, "-o", str(tmp_path / "none"))
    assert code == 2, err
    assert alone in err


def test_tags(run: Run, tmp_path: Path) -> None:
    """Plain texts teach a tagger; labelled ones measure it."""
    tags = ("O", "B-PER", "B-LOC")
    make_task_peer("token-classification", tmp_path / "teacher", sizes=SIZES, labels=tags, seed=5)
    texts = write_plain(tmp_path / "texts.txt", 120, 1)
    (tmp_path / "eval.conll").write_text("w1 B-PER\nw2 O\n\nw3 B-LOC\nw4 O\nw5 O\n")
    line = ("distill", "--teacher", str(tmp_path / "teacher"), "--train", texts, "-o")
    code, out, err = run(*line, str(tmp_path / "run"), *FAST, "--set", "train.epochs=8")
    assert code == 0, err
    assert json.loads(out.splitlines()[-1])["metrics"]["agreement"] > 0.8
    measured = ("--eval", str(tmp_path / "eval.conll"), "--set", "train.epochs=1")
    code, out, err = run(*line, str(tmp_path / "measured"), *FAST, *measured)
    assert code == 0, err
    record = json.loads(out.splitlines()[-1])
    assert record["metrics"].keys() == record["teacher"].keys() >= {"entity_f1"}


def test_a_table_for_people(run: Run, teacher: Path, tmp_path: Path) -> None:
    train, held_out = write_texts(tmp_path / "train.tsv", 32, 1), write_texts(tmp_path / "eval.tsv", 16, 2)
    given = ("--train", train, "--eval", held_out, "--set", "train.epochs=1", "-o", str(tmp_path / "run"))
    code, out, err = run("distill", "--teacher", str(teacher), *given)
    assert code == 0, err
    lines = [line.split() for line in out.splitlines()]
    assert ["metric", "teacher", "student"] in lines
    assert [line for line in lines if line[:3] == ["texts", "a", "second"]]
    assert "times as fast as the teacher" in err


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--layers", "3"), "a student of 3 layers, and the teacher has 2"),
        (("--train", "gone.txt"), "gone.txt: no such file"),
        (("--set", "teacher.labels=0.5"), "has no labels, and teacher.labels is 0.5"),
        (("--set", "model.lora.rank=4"), "lora needs model.start (--student)"),
        (("--teacher", "nowhere/at-all/x"), "nowhere/at-all/x"),
    ],
)
def test_what_cannot_be_distilled(
    options: tuple[str, str], words: str, run: Run, teacher: Path, tmp_path: Path
) -> None:
    given = {"--teacher": str(teacher), "--train": write_plain(tmp_path / "texts.txt", 20, 1)}
    given |= {"-o": str(tmp_path / "run"), options[0]: options[1]}
    code, _, err = run("distill", *[part for pair in given.items() for part in pair])
    assert code == 2
    assert words in err
    assert "Traceback" not in err
