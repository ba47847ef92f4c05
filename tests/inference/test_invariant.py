"""`invariant=True`: an answer has the same bits whatever was in the batch."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import bertkit
from bertkit.errors import DeviceError, UserError
from bertkit.inference.serving import served
from tests.parity.bert_peer import Sizes, make_peer
from tests.parity.task_peers import make_task_peer

WORDS = [f"w{number}" for number in range(60)]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("classifier")
    make_task_peer("text-classification", place)
    return place


@pytest.mark.parametrize("dtype", ["float32", "int8"])
def test_any_batch_gives_the_same_bits(folder: Path, dtype: str) -> None:
    numbers = np.random.default_rng(0)
    texts = [" ".join(numbers.choice(WORDS, numbers.integers(1, 20))) for _ in range(40)]
    model = bertkit.load(folder, dtype=dtype, invariant=True)
    alone = [model.predict([text])[0].record() for text in texts]
    for batch_tokens in (60, 300, 4_000):
        batched = bertkit.load(folder, dtype=dtype, invariant=True, batch_tokens=batch_tokens)
        order = numbers.permutation(len(texts))
        found = batched.predict([texts[place] for place in order])
        assert [one.record() for one in found] == [alone[place] for place in order]
    plain = bertkit.load(folder, dtype=dtype).predict(texts)
    for one, other in zip(plain, alone, strict=True):
        assert one.record()["labels"] == [
            {**entry, "score": pytest.approx(entry["score"], abs=1e-5)}
            for entry in other["labels"]  # type: ignore[attr-defined]
        ]


def test_what_a_server_asks_beside_the_task_is_invariant_too(folder: Path) -> None:
    model = served("one", bertkit.load(folder, dtype="float32", invariant=True))
    assert model.token_vectors is not None
    assert model.token_vectors.engine.backend.invariant  # type: ignore[attr-defined]


def test_masks_are_filled_alike(tmp_path: Path) -> None:
    make_peer(Sizes(), tmp_path)
    model = bertkit.load(tmp_path, task="fill-mask", dtype="float32", invariant=True)
    rows = ["paris [MASK] is", "[MASK]", "is a [MASK] city [MASK]"]
    together = [one.record() for one in model.predict(rows)]
    assert together == [model.predict([row])[0].record() for row in rows]


def test_elsewhere_it_is_refused(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for backend in ("onnx", "openvino", lambda pretrained, task: None):
        with pytest.raises(UserError, match="last bits"):
            bertkit.load(folder, backend=backend, invariant=True)
    monkeypatch.setattr("bertkit.model.linear.convert_linears", lambda module, kind, dtype: None)
    monkeypatch.setattr("bertkit.inference.precision.convert_linears", lambda module, kind, dtype: None)
    with pytest.raises(DeviceError, match="torch's own"):
        bertkit.load(folder, dtype="float32", invariant=True)
