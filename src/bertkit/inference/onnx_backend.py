"""The back end that computes with ONNX Runtime. Torch-free."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any

from bertkit.batching.packed import Ids
from bertkit.checkpoints.graph_files import GraphFile
from bertkit.config.extras import load_extra
from bertkit.errors import BadCheckpoint, DeviceError
from bertkit.inference.graph_backend import GraphBackend, GraphUse
from bertkit.tasks.contract import Array

# What computes on NVIDIA's GPUs, the fastest first.
ON_GPU = ("TensorrtExecutionProvider", "CUDAExecutionProvider")
ON_CPU = "CPUExecutionProvider"
ERRORS_ONLY = 3


class OnnxBackend(GraphBackend):
    """A graph that ONNX Runtime has opened.

    Args:
        device: `auto` is a GPU where the library that is installed has one.

    Raises:
        UserError: the library is not installed.
        DeviceError: the device is not one that the library has.
        BadCheckpoint: the file is damaged.
        MissingHead: the graph gives other outputs than the task reads.
    """

    def __init__(self, graph: GraphFile, use: GraphUse, device: str = "auto") -> None:
        runtime = load_extra("onnxruntime", "onnx")
        providers = choose_providers(device, runtime.get_available_providers())
        try:
            session = runtime.InferenceSession(graph.path, _options(runtime), providers=providers)
        except Exception as error:  # the library's own errors have no common class
            raise BadCheckpoint(f"{graph.path}: cannot be opened: {str(error).splitlines()[0]}") from error
        self._session = session
        self.dtype = graph.dtype
        self.device = "cpu" if session.get_providers()[0] == ON_CPU else "cuda"
        inputs, outputs = ([one.name for one in some] for some in (session.get_inputs(), session.get_outputs()))
        super().__init__(graph.path, use, inputs, outputs)

    def compute(self, inputs: Mapping[str, Ids], outputs: Sequence[str]) -> list[Array]:
        """What the graph gives."""
        found: list[Array] = self._session.run(list(outputs), dict(inputs))
        return found

    def close(self) -> None:
        """Let go of the graph."""
        del self._session


def choose_providers(device: str, available: Sequence[str]) -> list[str]:
    """Who computes, in the order in which they are asked.

    Raises:
        DeviceError: nobody does on this device.
    """
    on_gpu = [name for name in ON_GPU if name in available]
    kind = device.partition(":")[0]
    if kind == "cpu" or (kind == "auto" and not on_gpu):
        return [ON_CPU]
    if kind == "auto" or (kind == "cuda" and on_gpu):
        return [*on_gpu, ON_CPU]
    raise DeviceError(
        f"ONNX Runtime as it is installed does not compute on {device!r}",
        "Use --device cpu, or on NVIDIA's GPUs: pip install onnxruntime-gpu.",
    )


def _options(runtime: Any) -> Any:
    options = runtime.SessionOptions()
    options.enable_cpu_mem_arena = False  # it keeps what the largest batch took, for every size anew
    options.log_severity_level = ERRORS_ONLY
    if threads := os.environ.get("OMP_NUM_THREADS"):  # which the library itself does not look at
        options.intra_op_num_threads = int(threads)
    return options
