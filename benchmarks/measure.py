"""Timing of several contestants on the same work, interleaved, so that a machine that drifts drifts for all."""

from __future__ import annotations

import gc
import json
import os
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch

Run = Callable[[], object]


@dataclass(frozen=True)
class Timing:
    """Seconds of each round of one contestant."""

    seconds: list[float]

    @property
    def median(self) -> float:
        """Median seconds."""
        return statistics.median(self.seconds)


def race(contestants: Mapping[str, Run], rounds: int) -> dict[str, Timing]:
    """Each contestant once a round, after one round that does not count.

    The order turns with the round, so that nobody always runs behind the same neighbour.
    """
    names = list(contestants)
    seconds: dict[str, list[float]] = {name: [] for name in names}
    for round_number in range(rounds + 1):
        turn = round_number % len(names)
        for name in names[turn:] + names[:turn]:
            gc.collect()
            start = time.perf_counter()
            contestants[name]()
            elapsed = time.perf_counter() - start
            if round_number:
                seconds[name].append(elapsed)
    return {name: Timing(values) for name, values in seconds.items()}


def ratio(slow: Timing, fast: Timing) -> tuple[float, float, float]:
    """How many times as fast `fast` is, round by round: the median, and the quartiles around it."""
    ratios = [a / b for a, b in zip(slow.seconds, fast.seconds, strict=True)]
    low, _, high = statistics.quantiles(ratios, n=4)
    return statistics.median(ratios), low, high


def machine() -> dict[str, object]:
    """What the numbers were made on."""
    packages = ("torch", "transformers", "sentence-transformers", "tokenizers")
    return {
        "processor": _processor(),
        "cpu_capability": torch.backends.cpu.get_cpu_capability(),
        "amx": torch.cpu._is_amx_tile_supported(),
        "onednn_max_cpu_isa": os.environ.get("ONEDNN_MAX_CPU_ISA"),
        "threads": torch.get_num_threads(),
        "python": platform.python_version(),
        **{name: version(name) for name in packages},
    }


def _processor() -> str:
    try:
        with open("/proc/cpuinfo") as file:
            return next(line.partition(":")[2].strip() for line in file if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor()


def json_line(values: Mapping[str, object]) -> str:
    """The one last line that scripts read."""
    return json.dumps(values, separators=(",", ":"), ensure_ascii=False)


def run_module(line: Sequence[str]) -> str:
    """What a module of Python's, called with arguments, prints; the program ends where it fails."""
    done = subprocess.run([sys.executable, "-m", *line], capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"{' '.join(line)} has failed:\n{done.stderr[-4000:]}")
    return done.stdout


def read_lines(results: Path) -> list[dict[str, Any]]:
    """The runs of a file of results, one a line; none where there is no such file yet."""
    if not results.exists():
        return []
    return [json.loads(line) for line in results.read_text(encoding="utf-8").splitlines()]
