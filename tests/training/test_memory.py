from __future__ import annotations

from pathlib import Path

import pytest

from bertkit.config.encoder import EncoderConfig
from bertkit.errors import OutOfMemory
from bertkit.training import memory
from bertkit.training.memory import REMEDY, UNKNOWN_BYTES, check_memory, free_bytes, one_sequence_too_large
from bertkit.training.ranks import Ranks
from tests.training.in_process import CPU
from tests.training.runs import settings

BASE = EncoderConfig()  # 110 million parameters: 1.7 GB of weights, gradients and AdamW's means


def fits(
    free: float,
    monkeypatch: pytest.MonkeyPatch,
    train: dict[str, object] | None = None,
    ranks: int = 1,
    length: int = 128,
) -> bool:
    monkeypatch.setattr(memory, "free_bytes", lambda device: int(free))
    try:
        check_memory(settings({"train": train or {}}).train, BASE, "float32", length, Ranks(0, ranks, CPU, None))
    except OutOfMemory:
        return False
    return True


def test_the_error_names_what_is_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "free_bytes", lambda device: 1_000_000_000)
    with pytest.raises(OutOfMemory) as raised:
        check_memory(settings({}).train, BASE, "float32", 128, Ranks(0, 1, CPU, None))
    words = str(raised.value)
    assert words.startswith("one sequence at a time needs ")
    assert "0.4 GB of weights, 0.4 GB of gradients, 0.9 GB of optimiser" in words
    assert "of activations" in words
    assert "1.0 GB are free" in words
    assert "train.recompute" in (raised.value.remedy or "")


def test_what_fits(monkeypatch: pytest.MonkeyPatch) -> None:
    assert fits(4e9, monkeypatch)
    assert not fits(1e9, monkeypatch)


def test_what_takes_more_and_less(monkeypatch: pytest.MonkeyPatch) -> None:
    def least(train: dict[str, object], ranks: int = 1, length: int = 128) -> float:
        """GB, to a hundredth."""
        sizes = (n / 100 for n in range(1, 1000))
        return next(size for size in sizes if fits(size * 1e9, monkeypatch, train, ranks, length))

    plain = least({})
    assert least({"ema": 0.99}) == pytest.approx(plain + 0.44, abs=0.03)  # one more set of weights
    assert least({"recompute": True}) == plain  # a short sequence keeps less than the gradients take in the end
    assert least({"recompute": True}, length=512) < least({}, length=512)
    assert least({"optimiser": {"name": "muon"}}) < plain
    # Four ranks share weights, gradients and the optimiser's state, and hold whole weights and gradients in a step.
    assert least({"parallel": "fsdp"}, ranks=4) < plain
    assert least({"parallel": "ddp"}, ranks=4) == plain


def test_free_memory_is_that_of_this_process(monkeypatch: pytest.MonkeyPatch) -> None:
    assert 0 < free_bytes(CPU) < UNKNOWN_BYTES or not Path("/proc/meminfo").exists()
    monkeypatch.setattr(memory, "free_host_bytes", lambda: None)  # not Linux: nothing is refused
    assert free_bytes(CPU) == UNKNOWN_BYTES


def test_what_would_fit_is_offered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "free_bytes", lambda device: 2_000_000_000)
    with pytest.raises(OutOfMemory) as raised:
        check_memory(settings({}).train, BASE, "float32", 512, Ranks(0, 1, CPU, None))
    assert raised.value.remedy.startswith("It fits with train.recompute = true, or with ")
    length = int(raised.value.remedy.rsplit("data.length = ")[1].rstrip("."))
    assert 128 < length < 512
    check_memory(settings({}).train, BASE, "float32", length, Ranks(0, 1, CPU, None))
    check_memory(settings({"train": {"recompute": True}}).train, BASE, "float32", 512, Ranks(0, 1, CPU, None))


def test_a_sequence_that_did_not_fit_beside_the_weights(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "free_bytes", lambda device: 300_000_000)
    error = one_sequence_too_large(settings({}).train, BASE, "float32", 512, Ranks(0, 1, CPU, None))
    assert "512 tokens, one sequence, does not fit into memory: 0.3 GB are free beside the weights" in error.what
    assert error.remedy
    monkeypatch.setattr(memory, "free_bytes", lambda device: UNKNOWN_BYTES)
    assert one_sequence_too_large(settings({}).train, BASE, "float32", 512, Ranks(0, 1, CPU, None)).remedy == REMEDY
