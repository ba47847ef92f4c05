from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

import bertkit
from bertkit.batching.token_batch import TokenBatch
from bertkit.config.kernels import Processor
from bertkit.errors import DeviceError
from bertkit.inference.explain import Explainer
from bertkit.inference.model import load
from bertkit.inference.precision import choose_dtype
from bertkit.model.device import choose_device, has_fast_bfloat16
from bertkit.model.heads import Head, MaskedLMHead
from bertkit.model.linear import as_usual
from bertkit.tasks.text_ranking import Ranking
from bertkit.training.assembly import choose_precision
from tests.parity.bert_peer import Sizes, make_peer
from tests.parity.task_peers import make_task_peer

TEXTS = ["w1 w2", "w3"]


def test_auto_is_a_gpu_where_there_is_one() -> None:
    assert choose_device("auto").type == ("cuda" if torch.cuda.is_available() else "cpu")


@pytest.mark.parametrize(("gpu", "expected"), [((7, 5), torch.float16), ((8, 0), torch.bfloat16)])
def test_auto_is_what_a_gpu_has(gpu: tuple[int, int], expected: torch.dtype, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bertkit.model.device.processor", lambda device: Processor("cuda", gpu))
    assert choose_dtype("auto", torch.device("cuda")) == expected
    assert choose_precision("auto", torch.device("cuda")) == str(expected).removeprefix("torch.")


def test_float16_answers_as_float32_does(tmp_path: Path) -> None:
    make_peer(Sizes(layers=2, segment_types=2), tmp_path, deviation=0.1)
    vectors = [
        np.array(
            [
                answer.record()["embedding"]
                for answer in load(tmp_path, task="sentence-embedding", dtype=dtype).predict(TEXTS)
            ]
        )
        for dtype in ("float16", "float32")
    ]
    assert 0 < np.abs(vectors[0] - vectors[1]).max() < 0.01


@pytest.mark.parametrize("fast", [True, False])
def test_auto_is_bfloat16_where_it_is_fast(monkeypatch: pytest.MonkeyPatch, fast: bool) -> None:
    monkeypatch.setattr("bertkit.model.device.processor", lambda device: Processor("cpu", bfloat16=fast))
    assert choose_dtype("auto", torch.device("cpu")) == (torch.bfloat16 if fast else torch.float32)
    assert choose_dtype("bfloat16", torch.device("cpu")) == torch.bfloat16


def test_the_processor_is_asked() -> None:
    assert has_fast_bfloat16() == (torch.cpu._is_amx_tile_supported() or torch.cpu._is_avx512_bf16_supported())


@pytest.mark.parametrize(("name", "message"), [("gpu", "unknown device 'gpu'"), ("cdua", "did you mean 'cuda'")])
def test_unknown_devices(name: str, message: str) -> None:
    with pytest.raises(DeviceError, match=message):
        choose_device(name)


def test_no_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(DeviceError, match="no CUDA device on this machine"):
        choose_device("cuda")


@pytest.mark.parametrize(
    ("name", "message"), [("cpu:x", "unknown device 'cpu:x'"), ("cuda:2", "no device 'cuda:2': there are 2")]
)
def test_devices_by_number(name: str, message: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    assert choose_device("cuda:1") == torch.device("cuda", 1)
    with pytest.raises(DeviceError, match=message):
        choose_device(name)


class NoFloat64(TorchDispatchMode):
    """Refuses float64 as Apple's GPUs do."""

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        out = func(*args, **(kwargs or {}))
        for one in tree_leaves(out):
            assert not (isinstance(one, torch.Tensor) and one.dtype == torch.float64), func
        return out


@pytest.mark.parametrize("task", ["sentence-embedding", "feature-extraction", "fill-mask", "next-sentence-prediction"])
def test_nothing_on_the_way_of_an_answer_is_float64(task: str, tmp_path: Path) -> None:
    make_peer(Sizes(layers=2, segment_types=2), tmp_path)
    model = load(tmp_path, task=task, dtype="float32")
    text = "w1 [MASK] w2"
    with NoFloat64():
        assert model.predict([(text, "w4") if task == "next-sentence-prediction" else text])


@pytest.mark.parametrize("kind", ["text-classification", "token-classification", "question-answering"])
@pytest.mark.parametrize("how", ["attribution", "rollout", "heads"])
def test_nothing_on_the_way_of_an_explanation_is_float64(kind: str, how: Any, tmp_path: Path) -> None:
    make_task_peer(kind, tmp_path)
    model = load(tmp_path, task=kind, explainable=True)
    row = ("w1 w2", "w3 w4") if kind == "question-answering" else "w1 w2"
    with NoFloat64():
        assert list(Explainer(model, how).stream([row]))


def test_unknown_precisions() -> None:
    with pytest.raises(DeviceError, match=r"unknown dtype 'float61' \(did you mean 'float16'"):
        choose_dtype("float61", torch.device("cpu"))


def test_the_last_layer_of_a_head_stays_float32(tmp_path: Path) -> None:
    make_task_peer("text-classification", tmp_path, labels=("bad", "good"))
    exact, half = (bertkit.load(tmp_path, dtype=dtype).head for dtype in ("float32", "bfloat16"))
    assert isinstance(exact, Head)
    assert isinstance(half, Head)
    weight, of_half = exact.classifier.weight, half.classifier.weight
    assert isinstance(weight, torch.Tensor)
    assert isinstance(of_half, torch.Tensor)
    assert torch.equal(of_half, as_usual(weight))


def test_close_documents_keep_different_scores(tmp_path: Path) -> None:
    """In bfloat16 the numbers from 2 to 4 are 1/64 apart: documents that are closer would have one score."""
    make_task_peer("text-classification", tmp_path, labels=("relevance",))
    model = bertkit.load(tmp_path, task="text-ranking", dtype="bfloat16", activation="identity")
    assert isinstance(model.head, Head)
    model.head.classifier.bias.data.fill_(2.5)  # type: ignore[union-attr, operator]
    documents = [f"w{one} w{other}" for one in range(10) for other in range(20, 30)]
    (result,) = model.predict([{"query": "w1 w2", "documents": documents}])
    assert isinstance(result, Ranking)
    scores = [one.score for one in result.ranking]
    assert max(scores) - min(scores) < 0.5
    assert len(set(scores)) > 90


def test_the_logits_of_masks_are_float32_and_of_the_stored_table(tmp_path: Path) -> None:
    make_peer(Sizes(), tmp_path)
    exact, half = (bertkit.load(tmp_path, task="fill-mask", dtype=dtype) for dtype in ("float32", "bfloat16"))
    assert isinstance(half.head, MaskedLMHead)
    table = half.head.table(half.encoder)
    assert torch.equal(table, exact.encoder.embeddings.token.weight)
    batch = TokenBatch.pack([[2, 5, 3]], [[0, 0, 0]], torch.device("cpu"))
    assert half.encoder(batch).dtype == torch.bfloat16
    assert half.head(half.encoder(batch), half.encoder).dtype == torch.float32
