"""One of two ranks runs out of memory in the middle of a step: the repeated step has the gradient of an undisturbed."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from safetensors.torch import load_file
from torch import Tensor

from tests.training.in_process import worst_difference
from tests.training.runs import ROOT, environment, make_data

SCRIPT = Path(__file__).with_name("memory_faults.py")
SETS = ("train.steps=2", "train.batch_tokens=512", "train.micro_batch_tokens=128", "train.optimiser.learning_rate=1e-4")
# Micro-batches of other sizes round to bfloat16 at other places: about 2^-8 of what is rounded.
EXACT, ROUNDED = 1e-5, 0.02


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_data(tmp_path_factory.mktemp("data"))


def gradients(data: Path, directory: Path, place: str, *sets: str, processes: int) -> dict[str, Tensor]:
    """Those of two steps, by step and parameter."""
    result = directory.with_suffix(".safetensors")
    start = ["-m", "torch.distributed.run", f"--nproc-per-node={processes}", "--standalone"] if processes > 1 else []
    line = [sys.executable, *start, str(SCRIPT), str(data), str(directory), place, str(result), *SETS, *sets]
    paths = f"{ROOT / 'src'}:{ROOT}"
    done = subprocess.run(line, env=environment() | {"PYTHONPATH": paths}, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return load_file(result)


@pytest.fixture(scope="module")
def undisturbed(data: Path) -> dict[str, Tensor]:
    """The gradients of one process that has memory enough."""
    return gradients(data, data / "undisturbed", "nowhere", processes=1)


@pytest.mark.parametrize(
    ("place", "parallel", "precision", "bound"),
    [
        ("forward", "ddp", "float32", EXACT),
        ("backward", "ddp", "float32", EXACT),
        ("forward", "fsdp", "float32", EXACT),
        ("backward", "fsdp", "float32", EXACT),
        ("backward", "fsdp", "bfloat16-weights", ROUNDED),
    ],
)
def test_the_gradient_of_the_repeated_step(
    place: str,
    parallel: str,
    precision: str,
    bound: float,
    data: Path,
    undisturbed: dict[str, Tensor],
    tmp_path: Path,
) -> None:
    sets = (f"train.parallel={parallel}", f"train.precision={precision}")
    found = gradients(data, tmp_path / "run", place, *sets, processes=2)
    difference = worst_difference(found, undisturbed)
    assert difference < bound
    assert precision == "float32" or difference > EXACT  # it was computed in bfloat16
