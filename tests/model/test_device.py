from __future__ import annotations

import pytest
import torch

from bertkit.model.device import best_dtype, best_dtype_of, capability

GPUS = {
    (3, 7): torch.float32,
    (6, 0): torch.float32,
    (6, 1): torch.float32,
    (7, 0): torch.float16,
    (7, 2): torch.float16,
    (7, 5): torch.float16,
    (8, 0): torch.bfloat16,
    (8, 6): torch.bfloat16,
    (8, 9): torch.bfloat16,
    (9, 0): torch.bfloat16,
    (10, 0): torch.bfloat16,
    (12, 0): torch.bfloat16,
}


@pytest.mark.parametrize(("gpu", "expected"), GPUS.items())
def test_the_precision_of_a_gpu(gpu: tuple[int, int], expected: torch.dtype) -> None:
    for cpu_has_bfloat16 in (True, False):  # which is no matter
        assert best_dtype_of("cuda", gpu, cpu_has_bfloat16=cpu_has_bfloat16) == expected


def test_the_precision_of_a_processor() -> None:
    assert best_dtype_of("cpu", None, cpu_has_bfloat16=True) == torch.bfloat16
    assert best_dtype_of("cpu", None, cpu_has_bfloat16=False) == torch.float32
    assert best_dtype_of("mps", None, cpu_has_bfloat16=True) == torch.float32


def test_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    assert capability(torch.device("cpu")) is None
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device: (7, 5))
    capability.cache_clear()
    assert best_dtype(torch.device("cuda")) == torch.float16
    capability.cache_clear()
