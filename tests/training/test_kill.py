"""A run killed at any moment goes on as if it had not been."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import time
from pathlib import Path

import pytest

from tests.training.runs import command, environment, evaluations, losses, make_data, pretrain, same_file, write_file

LONG = ("train.steps=40", "train.checkpoint_every=3", "train.evaluate_every=10")


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_data(tmp_path_factory.mktemp("data"))


def children(pid: int) -> list[int]:
    """The processes that a process has started."""
    found = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [int(child) for child in found]


def kill_after(process: subprocess.Popen[bytes], run: Path, step: int) -> None:
    """SIGKILL to every process of the run, as soon as a step has been written down and there is a whole checkpoint."""
    end = time.monotonic() + 600
    metrics = run / "metrics.jsonl"
    while time.monotonic() < end and process.poll() is None:
        written = metrics.exists() and metrics.read_text().count("\n") >= step
        # Checkpoints are written beside the steps, so a small run is many steps ahead of its first one.
        if written and any((run / "checkpoints").glob("step-*")):
            break
        time.sleep(0.01)
    for child in [*children(process.pid), process.pid]:
        os.kill(child, signal.SIGKILL)
    process.wait()


@pytest.mark.skipif(not Path("/proc").exists(), reason="finds the processes of a run in /proc")
def test_two_processes_killed_and_resumed_are_bit_identical(data: Path, tmp_path: Path) -> None:
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    done = pretrain(write_file(data, whole), *LONG, processes=2)
    assert done.returncode == 0, done.stderr
    file = write_file(data, killed)
    step = random.randint(4, 34)
    with subprocess.Popen(
        command(file, *LONG, processes=2), env=environment(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as process:
        kill_after(process, killed, step)
    assert not (killed / "model").exists(), "the run had ended before it was killed"
    done = pretrain(file, *LONG, processes=2)
    assert done.returncode == 0, done.stderr
    assert "going on after step" in done.stderr
    assert losses(killed) == losses(whole), f"killed after step {step}"
    assert evaluations(killed) == evaluations(whole)
    assert same_file(killed / "model", whole / "model", ["model.safetensors", "config.json", "tokenizer.json"])


def test_sigterm_saves_and_ends_with_143(data: Path, tmp_path: Path) -> None:
    file = write_file(data, tmp_path / "run")
    with subprocess.Popen(
        command(file, "train.steps=100000", "train.checkpoint_every=100000"),
        env=environment(),
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stderr is not None
        for line in process.stderr:
            if "step 3/" in line:
                break
        process.terminate()
        rest = process.stderr.read()
        assert process.wait(60) == 143
    assert "the same command goes on" in rest
    (checkpoint,) = (tmp_path / "run/checkpoints").glob("step-*")
    done = pretrain(file, f"train.steps={int(checkpoint.name.removeprefix('step-')) + 2}")
    assert done.returncode == 0, done.stderr
