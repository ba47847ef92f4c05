"""`torchrun -m bertkit finetune` with the defaults: on any number of processes it ends with the model of one."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from bertkit.runs.metrics_file import evaluations, read_metrics
from tests import warm
from tests.parity.bert_peer import Sizes, make_peer
from tests.training.runs import environment, make_data, pretrain, write_file

EXAMPLES = 66  # two batches of 32, and a last one of 2


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model, examples to learn from, and some to measure on."""
    folder = tmp_path_factory.mktemp("place")
    make_peer(Sizes(layers=1, segment_types=2), folder / "model", deviation=0.1)
    config = json.loads((folder / "model/config.json").read_text())
    config |= {"hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0}  # which each rank would draw otherwise
    (folder / "model/config.json").write_text(json.dumps(config))
    for name, count in (("train", EXAMPLES), ("eval", 5)):
        rows = [f"w{number % 50 + 10} w{number % 2 + 1} w{number % 7 + 3},{number % 2}" for number in range(count)]
        (folder / f"{name}.csv").write_text("\n".join(["text,label", *rows]) + "\n")
    (folder / "texts.txt").write_text("".join(f"w{n % 50 + 10} w{n % 9 + 1} w{n % 7 + 3}\n" for n in range(34)))
    (folder / "few.txt").write_text("w11 w5 w9\nw12 w6 w8\n")
    return folder


def finetune(place: Path, name: str, processes: int, *options: str) -> Path:
    """The folder of a finished run."""
    line = ["-m", "bertkit", "finetune", "-m", str(place / "model"), "-o", str(place / name)]
    line += ["--set", "train.precision=float32", *options]
    if processes == 1:
        alone = warm.run(line, environment(), place / f"{name}-written")
        assert alone.returncode == 0, alone.stderr
        return place / name
    torchrun = [sys.executable, "-m", "torch.distributed.run", f"--nproc-per-node={processes}", "--standalone"]
    done = subprocess.run([*torchrun, *line], env=environment(), capture_output=True, text=True, timeout=500)
    assert done.returncode == 0, done.stderr[-5000:]
    return place / name


def labels(place: Path) -> tuple[str, ...]:
    files = ("--train", str(place / "train.csv"), "--eval", str(place / "eval.csv"))
    return ("--task", "text-classification", *files)


def masks(place: Path) -> tuple[str, ...]:
    return ("--task", "fill-mask", "--train", str(place / "texts.txt"), "--eval", str(place / "few.txt"))


def assert_as_alone(run: Path, alone: Path) -> None:
    found, expected = (evaluations(read_metrics(one / "metrics.jsonl")) for one in (run, alone))
    assert len(found) == len(expected) > 0
    for one, other in zip(found, expected, strict=True):
        assert one == pytest.approx(other, abs=1e-3)
    ours, theirs = (load_file(one / "model/model.safetensors") for one in (run, alone))
    assert set(ours) == set(theirs)
    assert all(torch.allclose(ours[name], weight, atol=1e-3) for name, weight in theirs.items())
    steps = [sorted(path.name for path in (one / "checkpoints").iterdir()) for one in (run, alone)]
    assert steps[0] == steps[1]


def test_two_processes(place: Path) -> None:
    assert_as_alone(finetune(place, "two", 2, *masks(place)), finetune(place, "one", 1, *masks(place)))


@pytest.mark.slow
@pytest.mark.parametrize("task", [labels, masks])
def test_eight_processes(task: object, place: Path) -> None:
    assert callable(task)
    name = task.__name__
    assert_as_alone(finetune(place, f"{name}-8", 8, *task(place)), finetune(place, f"{name}-1", 1, *task(place)))


@pytest.mark.slow
def test_eight_processes_pretrain(tmp_path: Path) -> None:
    """Batches of fewer sequences than processes, held-out data of one micro-batch, and the rest as it is by default."""
    data = make_data(tmp_path)
    sets = ("train.batch_tokens=128", "train.micro_batch_tokens=8192", "train.steps=4", "train.evaluate_every=2")
    done = pretrain(write_file(data, tmp_path / "run"), *sets, processes=8)
    assert done.returncode == 0, done.stderr[-5000:]
    assert len(evaluations(read_metrics(tmp_path / "run/metrics.jsonl"))) == 2
    assert (tmp_path / "run/model/model.safetensors").exists()
