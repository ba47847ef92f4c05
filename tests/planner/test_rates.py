"""Rates by rule, against those that makers publish."""

from __future__ import annotations

import pytest

from bertkit.config import kernels
from bertkit.errors import UserError
from bertkit.planner.devices import Device, find_device, load_devices
from bertkit.planner.rates import Precision, _fastest, best_precision, precision_called, processor_of, rate

DEVICES = load_devices()


@pytest.mark.parametrize(
    ("device", "precision", "tflops", "evidence"),
    [
        ("RTX 3060", "float16", 25.5, "rule"),
        ("RTX 3060", "float32", 12.75, "rule"),
        ("RTX 4090", "float32", 82.6, "rule"),
        ("RTX 4090", "fp8", 660.8, "rule"),
        ("RTX 5090", "float32", 104.75, "rule"),
        ("T4", "int8", 130.2, "rule"),
        ("T4", "float32", 8.1, "rule"),
        ("A100", "bfloat16", 312, "rule"),
        ("A100", "tf32", 156, "rule"),
        ("A100", "float32", 19.5, "rule"),
        ("H100 SXM", "fp8", 1978, "rule"),
        ("L40S", "float32", 90.5, "rule"),
        ("A10", "float32", 31.25, "memory"),
        ("RTX PRO 6000", "float32", 125.95, "rule"),
        ("EPYC Zen 4:4", "bfloat16", 0.88, "measured"),
        ("M4 Max", "float16", 13.7, "published"),
    ],
)
def test_a_rate(device: str, precision: Precision, tflops: float, evidence: str) -> None:
    found = rate(find_device(device, DEVICES), precision)
    assert found is not None
    assert found.flops / 1e12 == pytest.approx(tflops, rel=1e-3)
    assert found.evidence == evidence


@pytest.mark.parametrize(
    ("device", "precision"),
    [
        ("T4", "bfloat16"),
        ("V100", "int8"),
        ("V100", "tf32"),
        ("A100", "fp8"),
        ("RTX PRO 5000", "float16"),
        ("RTX PRO 5000", "bfloat16"),
        ("M1", "bfloat16"),
        ("Apple M5", "float16"),
        ("AVX2", "int8"),
        ("MI300X", "float32"),
    ],
)
def test_what_is_unknown_stays_unknown(device: str, precision: Precision) -> None:
    assert rate(find_device(device, DEVICES), precision) is None


def test_what_auto_is() -> None:
    asked = ["T4", "A100", "AVX2", "Gaudi 3", "M1", "RTX PRO 5000"]
    found = [best_precision(find_device(name, DEVICES)) for name in asked]
    assert found == ["float16", "bfloat16", "float32", "bfloat16", "float32", "bfloat16"]


def test_precisions_have_several_names() -> None:
    assert [precision_called(name) for name in ("FP16", "bf16", "int8", "half")] == [
        *("float16", "bfloat16", "int8", "float16"),
    ]
    with pytest.raises(UserError, match=r"unknown precision 'fp61'.*did you mean 'fp16'"):
        precision_called("fp61")


@pytest.mark.parametrize("device", DEVICES, ids=lambda device: device.name)
def test_the_plan_and_the_model_choose_alike(device: Device) -> None:
    """Where a device's generation is known, its rates would have it be the same: half precision is where it is fast."""
    known_as = processor_of(device.row)
    if known_as is None:
        assert device.row.generation.startswith(("cdna", "battlemage", "gaudi"))
        return
    assert best_precision(device) == kernels.best_precision(known_as)
    if device.row.kind != "apple" and rate(device, best_precision(device)) is not None:
        assert best_precision(device) == _fastest(device)
