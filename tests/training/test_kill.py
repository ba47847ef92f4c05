"""A run killed at any moment goes on as if it had not been."""

from __future__ import annotations

import random
import signal
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.training.runs import evaluations, losses, make_data, pretrain, same_file, start, write_file
from tests.warm import Program

LONG = ("train.steps=40", "train.checkpoint_every=3", "train.evaluate_every=10")


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_data(tmp_path_factory.mktemp("data"))


def kill_after(ranks: Sequence[Program], run: Path, step: int) -> None:
    """SIGKILL to every process of the run, as soon as a step has been written down and there is a whole checkpoint."""
    metrics = run / "metrics.jsonl"

    def reached() -> bool:
        written = metrics.exists() and metrics.read_text().count("\n") >= step
        # Checkpoints are written beside the steps, so a small run is many steps ahead of its first one.
        return written and any((run / "checkpoints").glob("step-*"))

    ranks[0].until(reached)
    for rank in ranks:
        rank.process.kill()
    codes = [rank.wait().returncode for rank in ranks]
    assert codes[0] == -signal.SIGKILL  # the others may see first that it has gone


def test_two_processes_killed_and_resumed_are_bit_identical(data: Path, tmp_path: Path) -> None:
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    done = pretrain(write_file(data, whole), *LONG, processes=2)
    assert done.returncode == 0, done.stderr
    file = write_file(data, killed)
    step = random.randint(4, 34)
    kill_after(start(file, *LONG, processes=2), killed, step)
    assert not (killed / "model").exists(), "the run had ended before it was killed"
    done = pretrain(file, *LONG, processes=2)
    assert done.returncode == 0, done.stderr
    assert "going on after step" in done.stderr
    assert losses(killed) == losses(whole), f"killed after step {step}"
    assert evaluations(killed) == evaluations(whole)
    assert same_file(killed / "model", whole / "model", ["model.safetensors", "config.json", "tokenizer.json"])


def test_sigterm_saves_and_ends_with_143(data: Path, tmp_path: Path) -> None:
    file = write_file(data, tmp_path / "run")
    (program,) = start(file, "train.steps=100000", "train.checkpoint_every=100000")
    program.until(lambda: "step 3/" in (program.written / "stderr").read_text())
    program.process.terminate()
    ended = program.wait()
    assert ended.returncode == 143
    assert "the same command goes on" in ended.stderr
    (checkpoint,) = (tmp_path / "run/checkpoints").glob("step-*")
    done = pretrain(file, f"train.steps={int(checkpoint.name.removeprefix('step-')) + 2}")
    assert done.returncode == 0, done.stderr
