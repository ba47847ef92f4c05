"""torch is asked in another process; whatever that does is an answer."""

from __future__ import annotations

import sys
from itertools import count

import pytest
import torch

from bertkit.doctor import torch_probe
from bertkit.doctor.facts import Gpu, TorchFacts, TorchFailure
from bertkit.doctor.torch_probe import MARK, ask_torch, describe, facts_of, fastest


@pytest.mark.parametrize(
    ("program", "expected"),
    [
        ("raise ImportError('libcudart.so.13: cannot open')", ("error", "ImportError: libcudart.so.13: cannot open")),
        ("import os, signal; os.kill(os.getpid(), signal.SIGILL)", ("killed", "SIGILL")),
        ("print('something else')", ("error", "it said nothing")),
    ],
)
def test_a_process_that_fails(program: str, expected: tuple[str, str]) -> None:
    failure = ask_torch([sys.executable, "-S", "-c", program])
    assert isinstance(failure, TorchFailure)
    assert (failure.kind, failure.words) == expected


def test_one_that_hangs() -> None:
    failure = ask_torch([sys.executable, "-S", "-c", "import time; time.sleep(60)"], patience_seconds=0.05)
    assert failure == TorchFailure("silent", "0.05 seconds")


def test_one_that_cannot_be_started() -> None:
    assert ask_torch(["/no such program"]) == TorchFailure("error", "No such file or directory")


def test_no_torch_at_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch_probe, "find_spec", lambda name: None)
    assert ask_torch() == TorchFailure("absent")


def test_what_this_torch_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch_probe, "TURNS", 1)
    facts = facts_of(describe())
    assert isinstance(facts, TorchFacts)
    assert (facts.version, facts.threads) == (torch.__version__, torch.get_num_threads())
    assert set(facts.seconds) >= {"float32", "bfloat16", "float16"}
    assert "vnni" not in facts.openmp
    if facts.vnni:
        assert facts.int8_is_exact


def test_an_answer_among_other_lines() -> None:
    gpu = '{"name": "H100", "capability": [9, 0], "free_bytes": null, "total_bytes": 5}'
    fields = f'{{"version": "9", "gpus": [{gpu}], "architectures": ["sm_90"], "openmp": [], "said": []}}'
    facts = ask_torch([sys.executable, "-S", "-c", f"print('a banner'); print({MARK + fields!r})"])
    assert facts == TorchFacts("9", gpus=(Gpu("H100", (9, 0), None, 5),), architectures=("sm_90",), openmp=())


def test_the_shortest_time_counts_and_a_long_one_is_not_repeated() -> None:
    done: list[str] = []
    now = count(step=0.001)  # each look at the clock is a thousandth later

    def slow() -> None:
        done.append("slow")
        for _ in range(1000):
            next(now)

    seconds = fastest({"slow": slow, "quick": lambda: done.append("quick")}, lambda: next(now))
    assert seconds["quick"] == pytest.approx(0.001)
    assert seconds["slow"] > 1
    assert (done.count("slow"), done.count("quick")) == (2, torch_probe.TURNS)
