"""Peers as processes: a made-up one, and whom the names mean."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from bertkit.benchmarking import peers
from bertkit.benchmarking.peers import Absent, Peer, hub_config, pythons
from bertkit.config.encoder import EncoderConfig
from bertkit.errors import BertkitError, OutOfMemory, UserError
from bertkit.families.catalogue import FAMILIES

PROGRAM = """
import json, sys
setup = json.loads(sys.stdin.readline())
print(json.dumps({answer}), flush=True)
for line in sys.stdin:
    {work}
"""
WORKS = "print(json.dumps({'seconds': sum(map(sum, json.loads(line))) / 10}), flush=True)"


@pytest.fixture
def program(tmp_path: Path) -> Callable[..., Path]:
    def program(answer: str = "{'version': '1.2'}", work: str = WORKS) -> Path:
        path = tmp_path / "peer.py"
        path.write_text(PROGRAM.replace("{answer}", answer).replace("{work}", work))
        return path

    return program


def test_a_round(program: Callable[..., Path]) -> None:
    with Peer("transformers", sys.executable, {}, program()) as peer:
        assert peer.version == "1.2"
        assert peer.seconds([[3, 4], [3]]) == 1.0
        assert peer.seconds([[5]]) == 0.5


def test_one_that_does_not_take_part(program: Callable[..., Path]) -> None:
    with pytest.raises(Absent, match="has no int8"):
        Peer("transformers", sys.executable, {}, program("{'cannot': 'has no int8'}"))
    with pytest.raises(Absent, match="No such file"):
        Peer("transformers", "/no/such/python", {})


def test_one_without_memory(program: Callable[..., Path]) -> None:
    path = program(work="print(json.dumps({'no_memory': True}), flush=True)")
    with Peer("openvino", sys.executable, {}, path) as peer, pytest.raises(OutOfMemory, match="a batch of 2 texts"):
        peer.seconds([[3, 4]])


def test_one_that_fails_says_its_last_words(program: Callable[..., Path]) -> None:
    with Peer("openvino", sys.executable, {}, program(work="raise RuntimeError('it broke')")) as peer:
        with pytest.raises(BertkitError, match="openvino has failed: RuntimeError: it broke") as raised:
            peer.seconds([[3, 4]])
        assert "--peers" in raised.value.remedy
        with pytest.raises(BertkitError, match="has failed"):
            peer.seconds([[3, 4]])


def test_who_takes_part(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(peers, "find_spec", lambda name: name == "transformers" or None)
    assert pythons("auto", []) == {"transformers": sys.executable}
    assert pythons("auto", ["openvino=/venv/python"]) == {"transformers": sys.executable, "openvino": "/venv/python"}
    assert pythons("none", []) == {}
    assert pythons("onnxruntime", []) == {"onnxruntime": sys.executable}
    for names, given in (("transformer", []), ("auto", ["onnx=/python"])):
        with pytest.raises(UserError, match="unknown peer"):
            pythons(names, given)


def test_an_encoder_in_the_hubs_words() -> None:
    for family in ("bert", "distilbert", "modernbert"):
        for config in FAMILIES[family].presets.values():
            told = hub_config(config)
            assert told is not None
            assert told["model_type"] == family
    assert hub_config(EncoderConfig(kv_heads=4)) is None
