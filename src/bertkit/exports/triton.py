"""What NVIDIA's Triton server must be told of an ONNX graph: `config.pbtxt`."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from bertkit.config.extras import load_extra

MOST_TEXTS = 64  # that Triton puts into one batch
KINDS = {1: "TYPE_FP32", 7: "TYPE_INT64"}  # as ONNX numbers types of numbers


def write_triton(graph: Path, path: Path) -> None:
    """Write the configuration of a graph, whose own names and shapes it has.

    Raises:
        UserError: the library that reads the graph is not installed.
    """
    model = load_extra("onnx", "onnx").load(graph, load_external_data=False)
    parts = [
        "# Triton: put the graph at MODELS/NAME/1/model.onnx, this file at MODELS/NAME/config.pbtxt.",
        'platform: "onnxruntime_onnx"',
        f"max_batch_size: {MOST_TEXTS}",
        _tensors("input", model.graph.input),
        _tensors("output", model.graph.output),
        "dynamic_batching { }",
    ]
    path.write_text("\n".join(parts) + "\n", encoding="utf-8")


def _tensors(kind: str, values: Iterable[Any]) -> str:
    """Each name, kind and shape, without the first axis: the texts, which Triton counts itself."""
    lines = []
    for value in values:
        tensor = value.type.tensor_type
        sizes = ", ".join(str(size.dim_value or -1) for size in tensor.shape.dim[1:])
        lines.append(f'  {{ name: "{value.name}" data_type: {KINDS[tensor.elem_type]} dims: [ {sizes} ] }}')
    return f"{kind} [\n" + ",\n".join(lines) + "\n]"
