"""Which kernel attention takes."""

from __future__ import annotations

from typing import Any

import pytest

from bertkit.config.kernels import attention_kernel

PLAIN: dict[str, Any] = {
    "on_cuda": False,
    "half": False,
    "head_width": 64,
    "grouped": False,
    "local": False,
    "biased": False,
    "drops": False,
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
        ({"on_cuda": True}, "by-length"),
        ({"on_cuda": True, "drops": True}, "by-length"),
        ({"on_cuda": True, "half": True}, "varlen"),
        ({"on_cuda": True, "half": True, "local": True, "grouped": True, "drops": True}, "varlen"),
        ({"on_cuda": True, "half": True, "biased": True}, "by-length"),
        ({"on_cuda": True, "half": True, "head_width": 20}, "by-length"),
    ],
)
def test_the_kernel(changes: dict[str, Any], kernel: str) -> None:
    assert attention_kernel(**{**PLAIN, **changes}) == kernel
