"""The peers' script: transformers as it is, the others where they are installed."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from importlib.util import find_spec

import pytest
import torch

from bertkit.benchmarking.peer_program import (
    PEERS,
    Cannot,
    onnxruntime_run,
    openvino_run,
    padded,
    seconds_of,
    take_part,
    transformers_run,
)
from bertkit.benchmarking.peers import Absent, Peer, hub_config
from tests.benchmarking.contestants import TINY


def setup(kind: str = "inference", precision: str = "float32") -> dict[str, object]:
    told = {"kind": kind, "precision": precision, "threads": 1, "device": "cpu"}
    return {"config": dict(hub_config(TINY) or {}), **told}


@pytest.mark.parametrize("kind", ["inference", "training"])
@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_transformers(kind: str, precision: str) -> None:
    version, run = transformers_run(setup(kind, precision))
    assert version[0].isdigit()
    assert seconds_of(run, [[3, 5], [4]], 101, lambda: None) > 0


def test_texts_are_filled_up() -> None:
    ids, mask = padded([2, 4], 101)
    assert mask.tolist() == [[1, 1, 0, 0], [1, 1, 1, 1]]
    assert ids.shape == mask.shape
    assert torch.equal(ids, ids * mask)


def test_what_a_peer_does_not_have() -> None:
    with pytest.raises(Cannot, match="int8"):
        transformers_run(setup(precision="int8"))


@pytest.mark.parametrize(("name", "run"), [("onnxruntime", onnxruntime_run), ("openvino", openvino_run)])
def test_the_others(name: str, run: object) -> None:
    if find_spec(name) is None:
        with pytest.raises(ImportError):
            run(setup())  # type: ignore[operator]
        return
    with pytest.raises(Cannot, match="does not train"):
        run(setup("training"))  # type: ignore[operator]


def answers(name: str, *lines: object) -> list[dict[str, object]]:
    said: list[dict[str, object]] = []
    take_part(name, iter(map(json.dumps, lines)), said.append)
    return said


def test_it_answers_line_by_line() -> None:
    version, first, second = answers("transformers", setup(), [[3, 5]], [[4]])
    assert set(version) == {"version"}
    assert set(first) == set(second) == {"seconds"}


def test_it_says_what_it_cannot() -> None:
    assert answers("transformers", setup(precision="int8")) == [{"cannot": "has no int8"}]
    if find_spec("openvino") is None:
        assert "is not installed" in str(answers("openvino", setup())[0]["cannot"])


def test_no_memory_is_an_answer_and_a_defect_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(error: Exception) -> Callable[..., object]:
        def run(ids: object, mask: object) -> None:
            raise error

        return lambda setup: ("9", run)

    monkeypatch.setitem(PEERS, "transformers", fails(RuntimeError("CUDA out of memory")))
    assert answers("transformers", setup(), [[3]]) == [{"version": "9"}, {"no_memory": True}]
    monkeypatch.setitem(PEERS, "transformers", fails(RuntimeError("shapes differ")))
    with pytest.raises(RuntimeError, match="shapes differ"):
        answers("transformers", setup(), [[3]])


@pytest.mark.slow
def test_as_a_process() -> None:
    with Peer("transformers", sys.executable, setup()) as peer:
        assert peer.seconds([[3, 5]]) > 0
    if find_spec("openvino") is None:
        with pytest.raises(Absent, match="is not installed"):
            Peer("openvino", sys.executable, setup())
