"""Which files of a folder hold a network as a graph, which another runtime than torch computes.

The names are those of the hub, transformers.js and sentence-transformers, whose programs find them there.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

Runtime = Literal["onnx", "openvino", "torch", "gguf"]
COMPUTED: tuple[Runtime, ...] = ("onnx", "openvino")  # those that bertkit has a back end for

# By the precision of the products, the most exact first.
FILES: Mapping[Runtime, Mapping[str, tuple[str, ...]]] = {
    "onnx": {
        "float32": ("onnx/model.onnx", "model.onnx"),
        "float16": ("onnx/model_fp16.onnx",),
        "int8": ("onnx/model_quantized.onnx", "onnx/model_int8.onnx"),
    },
    "openvino": {
        "float32": ("openvino/openvino_model.xml", "openvino_model.xml"),
        "int8": ("openvino/openvino_model_qint8_quantized.xml",),
    },
    "torch": {"float32": ("torch/model.pt2",)},
    "gguf": {"float16": ("model-f16.gguf",), "int8": ("model-q8_0.gguf",)},
}


@dataclass(frozen=True, slots=True)
class GraphFile:
    """A graph on disk.

    Attributes:
        dtype: the precision of its products.
    """

    path: Path
    runtime: Runtime
    dtype: str


def graph_files(folder: Path) -> list[GraphFile]:
    """The graphs in a folder that bertkit computes, those of one runtime together, the most exact first."""
    return [
        GraphFile(folder / name, runtime, dtype)
        for runtime in COMPUTED
        for dtype, names in FILES[runtime].items()
        for name in names
        if (folder / name).is_file()
    ]
