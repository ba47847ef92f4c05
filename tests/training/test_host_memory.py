"""What is kept from step to step, in a process of its own: the settings are for good."""

from __future__ import annotations

import os
import platform
import subprocess
import sys

import pytest

pytestmark = pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc can be told what to keep")

# Blocks of which one alone would be given back at once, as many as a small model's gradients; the faults of getting
# them again once all were free. Each page of 4 KiB that the system gave is one.
PROGRAM = """
import os, resource
import torch
from bertkit.training.host_memory import keep_between_steps

def get():
    return [torch.ones(2**18) for _ in range(64)]

{call}
get()
get()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
get()
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before, os.environ.get("ONEDNN_PRIMITIVE_CACHE_CAPACITY"))
"""


def faults_and_capacity(call: str, **environment: str) -> tuple[int, str]:
    known = {name: value for name, value in os.environ.items() if not name.startswith(("MALLOC_", "GLIBC_", "ONEDNN_"))}
    line = [sys.executable, "-c", PROGRAM.format(call=call)]
    out = subprocess.run(line, env=known | environment, capture_output=True, text=True, check=True).stdout
    faults, capacity = out.split()
    return int(faults), capacity


def test_freed_memory_is_there_for_the_next_step() -> None:
    faults, capacity = faults_and_capacity("keep_between_steps()")
    assert faults < 4_000
    assert capacity == "256"


def test_what_the_user_has_set_stays() -> None:
    chosen = {"MALLOC_TRIM_THRESHOLD_": "131072", "ONEDNN_PRIMITIVE_CACHE_CAPACITY": "7"}
    faults, capacity = faults_and_capacity("keep_between_steps()", **chosen)
    assert faults > 8_000
    assert capacity == "7"
