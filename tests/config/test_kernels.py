"""Which kernel attention takes."""

from __future__ import annotations

from typing import Any

import pytest

from bertkit.config.kernels import attention_kernel, takes_varlen

PLAIN: dict[str, Any] = {
    "gpu": None,
    "half": False,
    "head_width": 64,
    "grouped": False,
    "local": False,
    "biased": False,
    "drops": False,
    "learns": False,
}


@pytest.mark.parametrize(
    ("changes", "kernel"),
    [
        ({}, "by-length"),
        ({"drops": True}, "dropped"),
        ({"drops": True, "half": True}, "dropped"),
        ({"drops": True, "local": True}, "by-length"),
        ({"drops": True, "grouped": True}, "by-length"),
        ({"drops": True, "biased": True}, "by-length"),
        ({"gpu": (9, 0)}, "by-length"),
        ({"gpu": (9, 0), "drops": True}, "by-length"),
        ({"gpu": (9, 0), "half": True}, "varlen"),
        ({"gpu": (9, 0), "half": True, "local": True, "grouped": True, "drops": True}, "varlen"),
        ({"gpu": (9, 0), "half": True, "biased": True}, "by-length"),
        ({"gpu": (9, 0), "half": True, "head_width": 20}, "by-length"),
        ({"gpu": (7, 5), "half": True}, "by-length"),
        ({"gpu": (8, 6), "half": True, "head_width": 256}, "varlen"),
        ({"gpu": (8, 6), "half": True, "head_width": 256, "learns": True}, "by-length"),
    ],
)
def test_the_kernel(changes: dict[str, Any], kernel: str) -> None:
    assert attention_kernel(**{**PLAIN, **changes}) == kernel


@pytest.mark.parametrize("gpu", [(7, 0), (7, 5), (8, 0), (8, 6), (8, 9), (9, 0), (10, 0), (12, 0)])
def test_which_gpus_have_the_variable_length_kernel(gpu: tuple[int, int]) -> None:
    has = gpu >= (8, 0)
    for width in (8, 64, 192):
        assert takes_varlen(gpu, width, learns=True) == has
        assert takes_varlen(gpu, width, learns=False) == has
    assert takes_varlen(gpu, 256, learns=False) == has
    for width in (4, 36, 257, 264, 512):
        assert not takes_varlen(gpu, width, learns=False)


def test_small_gpus_learn_with_narrower_heads() -> None:
    for gpu, can in {(8, 0): True, (8, 6): False, (8, 9): False, (9, 0): True, (12, 0): False}.items():
        assert takes_varlen(gpu, 256, learns=True) == can
