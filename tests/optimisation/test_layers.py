from __future__ import annotations

from pathlib import Path

import pytest
import torch

from tests.training.in_process import run_here, worst_difference
from tests.training.runs import make_data


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_data(tmp_path_factory.mktemp("data"))


@pytest.mark.parametrize("precision", ["float32", "bfloat16", "bfloat16-weights"])
@pytest.mark.parametrize("parallel", ["ddp", "fsdp"])
def test_recomputing_gives_the_same_gradient(precision: str, parallel: str, data: Path, tmp_path: Path) -> None:
    sets = ("train.steps=1", f"train.precision={precision}", f"train.parallel={parallel}")
    dropout = ("model.encoder.hidden_dropout=0.1", "model.encoder.attention_dropout=0.1")
    kept = run_here(data, tmp_path / "kept", *sets, *dropout)
    again = run_here(data, tmp_path / "again", *sets, *dropout, "train.recompute=true")
    assert (kept.error, again.error) == (None, None)
    assert worst_difference(again.gradients[0], kept.gradients[0]) < 1e-6


def test_a_compiler_that_fails_is_done_without(data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def compile(forward: object, *, dynamic: bool) -> object:
        def run(*arguments: object) -> object:
            raise RuntimeError("no C++ compiler")

        return run

    monkeypatch.setattr(torch, "compile", compile)
    plain = run_here(data, tmp_path / "plain", "train.steps=2")
    compiled = run_here(data, tmp_path / "compiled", "train.steps=2", "train.compile=true")
    assert compiled.error is None
    assert set(compiled.said) == {"torch.compile failed (RuntimeError); going on without it"}
    assert compiled.losses() == plain.losses()
