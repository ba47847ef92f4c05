"""Training on a GPU: the same numbers as on a CPU, whatever makes it fast."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from tests.training.in_process import CPU, Outcome, run_here
from tests.training.runs import make_data

pytestmark = pytest.mark.gpu
WIDTH = "model.encoder.width=24"  # three heads of 8
DROPOUT = ("model.encoder.hidden_dropout=0.1", "model.encoder.attention_dropout=0.1")


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_data(tmp_path_factory.mktemp("data"))


@pytest.fixture
def gpu() -> torch.device:
    if not torch.cuda.is_available():
        pytest.skip("no GPU")
    return torch.device("cuda")


def losses(outcome: Outcome) -> torch.Tensor:
    if outcome.error is not None:
        raise outcome.error
    return torch.tensor(outcome.losses())


def test_a_run_gives_the_losses_of_a_cpu(data: Path, tmp_path: Path, gpu: torch.device) -> None:
    expected = losses(run_here(data, tmp_path / "cpu", WIDTH, device=CPU))
    found = losses(run_here(data, tmp_path / "gpu", WIDTH, device=gpu))
    assert (found - expected).abs().max() < 1e-4


@pytest.mark.parametrize("precision", ["bfloat16", "bfloat16-weights"])
@pytest.mark.parametrize("more", [(), ("train.compile=true",), ("train.recompute=true",), ("train.parallel=fsdp",)])
def test_a_run_in_half_precision(
    precision: str, more: tuple[str, ...], data: Path, tmp_path: Path, gpu: torch.device
) -> None:
    expected = losses(run_here(data, tmp_path / "cpu", WIDTH, device=CPU))
    outcome = run_here(data, tmp_path / "gpu", WIDTH, f"train.precision={precision}", *more, device=gpu)
    assert (losses(outcome) - expected).abs().max() < 0.05
    assert not outcome.said


def test_dropout_is_drawn_alike_after_a_stop(data: Path, tmp_path: Path, gpu: torch.device) -> None:
    """Sums on a GPU differ in their order from one time to the next: equal but for rounding."""
    sets = (WIDTH, *DROPOUT, "train.precision=bfloat16")
    whole = losses(run_here(data, tmp_path / "whole", *sets, device=gpu))
    losses(run_here(data, tmp_path / "halves", *sets, stop_after=5, device=gpu))
    rest = run_here(data, tmp_path / "halves", *sets, device=gpu)
    assert rest.started == 5
    assert (losses(rest) - whole[5:]).abs().max() < 0.02


def test_a_micro_batch_that_does_not_fit_is_divided(data: Path, tmp_path: Path, gpu: torch.device) -> None:
    """Most of the GPU's memory is taken away, for real."""
    sets = ("model.encoder.width=768", "model.encoder.heads=12", "model.encoder.ffn_width=3072", "train.steps=2")
    sets = (*sets, "data.length=64", "train.batch_tokens=16384", "train.micro_batch_tokens=16384")
    plenty = run_here(data, tmp_path / "plenty", *sets, device=gpu)
    needed = torch.cuda.max_memory_reserved()
    torch.cuda.empty_cache()
    torch.cuda.set_per_process_memory_fraction(0.75 * needed / torch.cuda.get_device_properties(gpu).total_memory)
    try:
        little = run_here(data, tmp_path / "little", *sets, device=gpu)
    finally:
        torch.cuda.set_per_process_memory_fraction(1.0)
    assert little.of("split")
    assert (losses(little) - losses(plenty)).abs().max() < 1e-3
