"""Asks torch, in a process of its own: an import that fails, crashes or hangs is then a finding like any other.

`python -m bertkit.doctor.torch_probe` prints one line of JSON, the fields of `TorchFacts`.
"""

from __future__ import annotations

import json
import math
import os
import signal
import subprocess
import sys
import time
import warnings
from collections.abc import Callable, Mapping, Sequence
from importlib.util import find_spec
from typing import Any

from bertkit.doctor.facts import Gpu, TorchFacts, TorchFailure

PATIENCE_SECONDS = 120
MARK = "torch facts: "  # other libraries may print as well
ROWS, WIDTH = 128, 768  # of the products that are timed
TURNS, LONG_SECONDS = 40, 0.05


def ask_torch(
    command: Sequence[str] | None = None, patience_seconds: float = PATIENCE_SECONDS
) -> TorchFacts | TorchFailure:
    """What torch says of itself and the machine, or why it does not.

    Args:
        command: the process to start instead of this module's own.
    """
    if command is None:
        if find_spec("torch") is None:
            return TorchFailure("absent")
        command = [sys.executable, "-W", "ignore", "-m", "bertkit.doctor.torch_probe"]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, errors="replace", timeout=patience_seconds, env=environment
        )
    except subprocess.TimeoutExpired:
        return TorchFailure("silent", f"{patience_seconds:g} seconds")
    except OSError as error:
        return TorchFailure("error", str(error.strerror))
    if done.returncode < 0:
        return TorchFailure("killed", _signal_name(-done.returncode))
    line = next((one for one in done.stdout.splitlines() if one.startswith(MARK)), None)
    if done.returncode or line is None:
        return TorchFailure("error", _last_line(done.stderr))
    return facts_of(json.loads(line.removeprefix(MARK)))


def facts_of(values: dict[str, Any]) -> TorchFacts:
    """The facts that JSON holds."""
    gpus = tuple(
        Gpu(one["name"], tuple(one["capability"]), one["free_bytes"], one["total_bytes"]) for one in values["gpus"]
    )
    lists = {name: tuple(values[name]) for name in ("architectures", "openmp", "said")}
    return TorchFacts(**{**values, **lists, "gpus": gpus})


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


def _last_line(text: str) -> str:
    """The line of a traceback that says what happened, short."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return (lines[-1] if lines else "it said nothing")[:300]


def describe() -> dict[str, Any]:
    """The fields of `TorchFacts`, by a torch that can be imported."""
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        import torch

        available = torch.cuda.is_available()
        gpus = [_gpu(torch, number) for number in range(torch.cuda.device_count())] if available else []
    about_gpus = [str(one.message).split(" (Triggered")[0] for one in said if "CUDA" in str(one.message)]
    return {
        "version": str(torch.__version__),
        "cuda": torch.version.cuda,
        "hip": torch.version.hip,
        "architectures": torch.cuda.get_arch_list() if available else [],
        "cuda_available": available,
        "mps_built": torch.backends.mps.is_built(),
        "mps_available": torch.backends.mps.is_available(),
        "gpus": gpus,
        "cpu_capability": torch.backends.cpu.get_cpu_capability(),
        "amx": torch.cpu._is_amx_tile_supported(),
        "bfloat16": torch.cpu._is_avx512_bf16_supported(),
        "vnni": torch.cpu._is_vnni_supported(),
        "onednn": torch.backends.mkldnn.is_available(),  # type: ignore[no-untyped-call]
        "mkl": torch.backends.mkl.is_available(),  # type: ignore[no-untyped-call]
        "threads": torch.get_num_threads(),
        "openmp": _openmp(),
        "said": about_gpus,
        **_products(torch),
    }


def _gpu(torch: Any, number: int) -> dict[str, Any]:
    known = torch.cuda.get_device_properties(number)
    try:
        free: int | None = torch.cuda.mem_get_info(number)[0]
    except RuntimeError:  # it is full, or another process has it for itself
        free = None
    return {
        "name": known.name,
        "capability": [known.major, known.minor],
        "free_bytes": free,
        "total_bytes": known.total_memory,
    }


def _openmp() -> list[str]:
    """The OpenMP libraries that are loaded, each as often as it is there under another path."""
    from threadpoolctl import threadpool_info

    return sorted(one["prefix"] for one in threadpool_info() if one["user_api"] == "openmp")


def _products(torch: Any) -> dict[str, Any]:
    """Seconds of one product of matrices in each precision, and whether int8's is exact: flags alone say too little."""
    made = torch.Generator().manual_seed(0)
    x, weight = (torch.randn(size, WIDTH, generator=made) for size in (ROWS, WIDTH))
    work: dict[str, Callable[[], Any]] = {}
    for name in ("float32", "bfloat16", "float16"):
        dtype = getattr(torch, name)
        work[name] = _linear(torch, x.to(dtype), weight.to(dtype))
    exact = None
    if torch.backends.mkldnn.is_available():
        whole = (
            torch.randint(0, 256, (ROWS, WIDTH), generator=made),
            torch.randint(-127, 128, (WIDTH, WIDTH), generator=made),
        )
        work["int8"] = _int8_linear(torch, *whole)
        try:
            exact = bool((work["int8"]().double() == whole[0].double() @ whole[1].double().T).all())
        except (RuntimeError, AttributeError, NotImplementedError):  # this build has no such product
            del work["int8"]
    return {"seconds": fastest(work), "int8_is_exact": exact}


def _linear(torch: Any, x: Any, weight: Any) -> Callable[[], Any]:
    return lambda: torch.nn.functional.linear(x, weight)


def _int8_linear(torch: Any, x: Any, weight: Any) -> Callable[[], Any]:
    """As models in int8 are computed: unsigned inputs, signed weights, float32 out."""
    ops = torch.ops.onednn
    one, none = torch.ones(WIDTH), torch.zeros(WIDTH, dtype=torch.int32)
    laid_out: list[Any] = []

    def run() -> Any:
        if not laid_out:
            laid_out.append(ops.qlinear_prepack(weight.to(torch.int8), None))
        given: tuple[Any, ...] = (x.to(torch.uint8), 1.0, 0, laid_out[0], one, none, None)
        return ops.qlinear_pointwise(*given, 1.0, 0, torch.float32, "none", [], "none")

    return run


def fastest(work: Mapping[str, Callable[[], object]], now: Callable[[], float] = time.perf_counter) -> dict[str, float]:
    """Seconds of each: the shortest of many turns, for others only lengthen them; a long one is not repeated."""
    seconds = dict.fromkeys(work, math.inf)
    for turn in range(TURNS):
        for name, run in work.items():
            if turn > 1 and seconds[name] > LONG_SECONDS:
                continue
            start = now()
            run()
            seconds[name] = min(seconds[name], now() - start)
    return seconds


if __name__ == "__main__":
    print(MARK + json.dumps(describe()))
