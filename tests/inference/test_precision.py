from __future__ import annotations

import pytest
import torch

from bertkit.errors import DeviceError
from bertkit.inference.precision import choose_dtype
from bertkit.model.device import choose_device
from bertkit.model.linear import has_fast_bfloat16


def test_auto_is_a_gpu_where_there_is_one() -> None:
    assert choose_device("auto").type == ("cuda" if torch.cuda.is_available() else "cpu")


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


@pytest.mark.parametrize(
    ("name", "message"), [("cpu:x", "unknown device 'cpu:x'"), ("cuda:2", "no device 'cuda:2': there are 2")]
)
def test_devices_by_number(name: str, message: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    assert choose_device("cuda:1") == torch.device("cuda", 1)
    with pytest.raises(DeviceError, match=message):
        choose_device(name)


def test_unknown_precisions() -> None:
    with pytest.raises(DeviceError, match=r"unknown dtype 'float16' \(did you mean '.*float"):
        choose_dtype("float16", torch.device("cpu"))
