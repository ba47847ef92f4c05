"""The back end that computes with OpenVINO. Torch-free."""

from __future__ import annotations

import os
import threading
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from bertkit.batching.packed import Ids
from bertkit.checkpoints.graph_files import GraphFile
from bertkit.config.extras import load_extra
from bertkit.errors import BadCheckpoint, DeviceError
from bertkit.inference.graph_backend import GraphBackend, GraphUse
from bertkit.tasks.contract import Array


class OpenVinoBackend(GraphBackend):
    """A graph that OpenVINO has compiled for the processor.

    Raises:
        UserError: the library is not installed.
        DeviceError: another device than the processor is asked for.
        BadCheckpoint: the file is damaged.
        MissingHead: the graph gives other outputs than the task reads.
    """

    device = "cpu"

    def __init__(self, graph: GraphFile, use: GraphUse, device: str = "auto") -> None:
        openvino = load_extra("openvino", "openvino")
        if device.partition(":")[0] not in ("auto", "cpu"):
            raise DeviceError(f"the back end openvino does not compute on {device!r}", "Use --device cpu.")
        try:
            core = openvino.Core()
            self._compiled: Any = core.compile_model(core.read_model(graph.path), "CPU", _settings(graph, use))
        except RuntimeError as error:
            raise BadCheckpoint(f"{graph.path}: cannot be opened: {str(error).splitlines()[0]}") from error
        self.dtype = graph.dtype
        self._own = threading.local()
        inputs, outputs = ([one.any_name for one in some] for some in (self._compiled.inputs, self._compiled.outputs))
        super().__init__(graph.path, use, inputs, outputs)

    def compute(self, inputs: Mapping[str, Ids], outputs: Sequence[str]) -> list[Array]:
        """What the graph gives. Each thread has a request of its own, which holds what it computed last."""
        if not hasattr(self._own, "request"):
            self._own.request = self._compiled.create_infer_request()
        request = self._own.request
        request.infer(dict(inputs))
        return [np.array(request.get_tensor(name).data, np.float32) for name in outputs]

    def close(self) -> None:
        """Let go of the graph."""
        self._own = threading.local()
        self._compiled = None


def _settings(graph: GraphFile, use: GraphUse) -> dict[str, str | int]:
    settings: dict[str, str | int] = {"PERFORMANCE_HINT": "LATENCY", "INFERENCE_PRECISION_HINT": "f32"}
    if graph.dtype == "int8":
        # How many numbers of a row have a scale of their own. More than a product's input has, and it would silently be
        # computed in float32.
        settings["DYNAMIC_QUANTIZATION_GROUP_SIZE"] = use.width
    if threads := os.environ.get("OMP_NUM_THREADS"):  # which the library itself does not look at
        settings["INFERENCE_NUM_THREADS"] = int(threads)
    return settings
