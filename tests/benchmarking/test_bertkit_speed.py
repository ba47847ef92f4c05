"""bertkit's own rounds: they are computed, and timed by the clock that was handed in."""

from __future__ import annotations

from itertools import count

import pytest
import torch

from bertkit.benchmarking.bertkit_speed import BertkitSpeed
from bertkit.benchmarking.cells import Kind
from bertkit.errors import OutOfMemory
from bertkit.model.encoder import Encoder
from tests.benchmarking.contestants import TINY

CPU = torch.device("cpu")


@pytest.mark.parametrize("kind", ["inference", "training"])
@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_a_round(kind: Kind, precision: str) -> None:
    ticks = count()
    one = BertkitSpeed(TINY, kind, precision, CPU, lambda: next(ticks))
    assert one.seconds([[5, 3], [7]]) == 1.0
    assert next(ticks) == 2


def test_training_changes_weights(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[Encoder] = []
    forward = Encoder.forward

    def noting(self: Encoder, *arguments: object, **named: object) -> object:
        made.append(self)
        return forward(self, *arguments, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(Encoder, "forward", noting)
    one = BertkitSpeed(TINY, "training", "float32", CPU)
    one.seconds([[5, 3]])
    before = made[0].embeddings.token.weight.detach().clone()
    one.seconds([[5, 3]])
    assert not torch.equal(before, made[0].embeddings.token.weight)


@pytest.mark.parametrize("kind", ["inference", "training"])
def test_what_does_not_fit(kind: Kind, monkeypatch: pytest.MonkeyPatch) -> None:
    def forward(*_: object, **__: object) -> None:
        raise torch.OutOfMemoryError("made up")

    one = BertkitSpeed(TINY, kind, "float32", CPU)
    monkeypatch.setattr(Encoder, "forward", forward)
    with pytest.raises(OutOfMemory):
        one.seconds([[5, 3]])


def test_other_errors_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    def forward(*_: object, **__: object) -> None:
        raise RuntimeError("a defect")

    one = BertkitSpeed(TINY, "inference", "float32", CPU)
    monkeypatch.setattr(Encoder, "forward", forward)
    with pytest.raises(RuntimeError, match="a defect"):
        one.seconds([[5]])
