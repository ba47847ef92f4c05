from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from bertkit.errors import DeviceError
from bertkit.inference.model import load
from bertkit.inference.precision import choose_dtype
from bertkit.model.device import choose_device
from bertkit.model.linear import has_fast_bfloat16
from bertkit.training.assembly import choose_precision
from tests.parity.bert_peer import Sizes, make_peer

TEXTS = ["w1 w2", "w3"]


def test_auto_is_a_gpu_where_there_is_one() -> None:
    assert choose_device("auto").type == ("cuda" if torch.cuda.is_available() else "cpu")


@pytest.mark.parametrize(("gpu", "expected"), [((7, 5), torch.float16), ((8, 0), torch.bfloat16)])
def test_auto_is_what_a_gpu_has(gpu: tuple[int, int], expected: torch.dtype, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bertkit.model.device.capability", lambda device: gpu)
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
    monkeypatch.setattr("bertkit.model.device.has_fast_bfloat16", lambda: fast)
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


def test_unknown_precisions() -> None:
    with pytest.raises(DeviceError, match=r"unknown dtype 'float61' \(did you mean 'float16'"):
        choose_dtype("float61", torch.device("cpu"))
