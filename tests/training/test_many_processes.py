"""One process, two, weights copied or divided: the same global batch gives the same losses."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.training.runs import losses, make_data, pretrain, write_file

WITHOUT_DROPOUT = (
    "model.encoder.hidden_dropout=0.0",
    "model.encoder.attention_dropout=0.0",
    "train.steps=50",
    "train.precision=float32",  # sums in bfloat16, which `auto` may be, differ by more with their order
)
WAYS = {
    "ddp": ("train.parallel=ddp",),
    "fsdp": ("train.parallel=fsdp",),
    "hybrid": ("train.parallel=hybrid", "train.shard_ranks=2"),
}


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_data(tmp_path_factory.mktemp("data"))


@pytest.fixture(scope="module")
def alone(data: Path) -> list[tuple[int, float]]:
    """Losses of one process."""
    directory = data / "alone"
    done = pretrain(write_file(data, directory), *WITHOUT_DROPOUT)
    assert done.returncode == 0, done.stderr
    return losses(directory)


def assert_close(found: list[tuple[int, float]], expected: list[tuple[int, float]]) -> None:
    assert [step for step, _ in found] == [step for step, _ in expected]
    worst = max(abs(a - b) for (_, a), (_, b) in zip(found, expected, strict=True))
    assert worst < 1e-5, worst


# Each takes half a minute. The fast one shares weights; gradients alone are shared in the kill test.
@pytest.mark.parametrize("way", ["fsdp", *(pytest.param(way, marks=pytest.mark.slow) for way in WAYS if way != "fsdp")])
def test_two_processes_learn_what_one_does(
    way: str, data: Path, alone: list[tuple[int, float]], tmp_path: Path
) -> None:
    done = pretrain(write_file(data, tmp_path / way), *WITHOUT_DROPOUT, *WAYS[way], processes=2)
    assert done.returncode == 0, done.stderr
    assert len(alone) == 50
    assert_close(losses(tmp_path / way), alone)


@pytest.mark.slow
def test_a_run_goes_on_with_fewer_processes_and_otherwise_divided(
    data: Path, alone: list[tuple[int, float]], tmp_path: Path
) -> None:
    file = write_file(data, tmp_path / "run")
    # The schedule belongs to all 50 steps, so the first part is ended by its own last step in a copy of the file.
    first = (*WITHOUT_DROPOUT, "train.schedule.shape=constant", "train.schedule.warmup=0.0")
    done = pretrain(file, *first, "train.steps=20", "train.parallel=fsdp", processes=2)
    assert done.returncode == 0, done.stderr
    done = pretrain(file, *first, "train.steps=40", "train.parallel=ddp")
    assert done.returncode == 0, done.stderr
    assert "going on after step 20" in done.stderr
    whole = write_file(data, tmp_path / "whole")
    done = pretrain(whole, *first, "train.steps=40")
    assert done.returncode == 0, done.stderr
    assert_close(losses(tmp_path / "run"), losses(tmp_path / "whole"))
