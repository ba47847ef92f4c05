from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch

from bertkit.config.kernels import Processor
from bertkit.errors import DeviceError
from bertkit.model.device import automatic, best_dtype, choose_device, precision_of, processor

CPU, CUDA = torch.device("cpu"), torch.device("cuda")


@pytest.fixture(autouse=True)
def nothing_is_remembered() -> Iterator[None]:
    processor.cache_clear()
    yield
    processor.cache_clear()


def test_this_machines_processor(monkeypatch: pytest.MonkeyPatch) -> None:
    for fast in (True, False):
        monkeypatch.setattr("bertkit.model.device.has_fast_bfloat16", lambda fast=fast: fast)
        processor.cache_clear()
        assert processor(CPU) == Processor("cpu", bfloat16=fast, packs=torch.backends.mkldnn.is_available())
        assert best_dtype(CPU) == (torch.bfloat16 if fast else torch.float32)


@pytest.mark.parametrize("rocm", [None, "6.4.0"])
def test_a_gpu(rocm: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device: (7, 5))
    monkeypatch.setattr(torch.version, "hip", rocm)
    assert processor(CUDA) == Processor("cuda", (7, 5), rocm=rocm is not None)
    assert best_dtype(CUDA) == torch.float16


def test_apples_gpu_computes_float32() -> None:
    assert processor(torch.device("mps")) == Processor("mps")
    assert best_dtype(torch.device("mps")) == torch.float32


@pytest.mark.parametrize(
    ("cuda", "mps", "expected"),
    [(True, True, "cuda"), (True, False, "cuda"), (False, True, "mps"), (False, False, "cpu")],
)
def test_what_auto_takes(cuda: bool, mps: bool, expected: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert automatic(cuda=cuda, mps=mps) == expected
    monkeypatch.setattr(torch.cuda, "is_available", lambda: cuda)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: mps)
    assert choose_device("auto").type == expected
    assert choose_device("auto", learns=True).type == ("cuda" if cuda else "cpu"), "nobody has trained on mps"


def test_apples_gpu_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: True)
    assert choose_device("mps") == torch.device("mps")
    assert choose_device("mps:0") == torch.device("mps", 0)
    with pytest.raises(DeviceError, match="no device 'mps:1': there is 1"):
        choose_device("mps:1")
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    with pytest.raises(DeviceError, match="no MPS device on this machine") as caught:
        choose_device("mps")
    assert caught.value.remedy.startswith("Use --device cpu")


def test_the_name_of_a_precision() -> None:
    assert [precision_of(dtype) for dtype in (torch.float32, torch.bfloat16)] == ["float32", "bfloat16"]
