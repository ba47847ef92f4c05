"""A network as OpenVINO's files: made of an ONNX graph, in float32 or with weights of 8 bits.

Weights of 8 bits are plain constants, each output's times a scale of its own; the tables of embeddings have a scale for
each row. Nothing is calibrated: OpenVINO brings each row of activations to 8 bits as it computes it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from bertkit.config.extras import load_extra

LEAST = 4_096  # numbers of a matrix that is worth it
WEIGHTS_AT = {"MatMul": 1, "Gather": 0}  # which input of an operation is its matrix


def write_openvino(source: Path, path: Path, *, int8: bool) -> None:
    """Write the graph of an ONNX file, and its weights into a file beside it that ends in `.bin`.

    OpenVINO's reader is asked, not its converter, which would report to its makers that it was used.

    Raises:
        UserError: the library is not installed.
    """
    openvino = load_extra("openvino", "openvino")
    model = openvino.Core().read_model(source)
    if int8:
        _quantise(model, load_extra("openvino.opset13", "openvino"))
    path.parent.mkdir(exist_ok=True)
    openvino.save_model(model, path, compress_to_fp16=False)


def _quantise(model: Any, operations: Any) -> None:
    for node in model.get_ordered_ops():
        kind = node.get_type_name()
        if kind not in WEIGHTS_AT:
            continue
        constant = node.input_value(WEIGHTS_AT[kind]).get_node()
        if constant.get_type_name() != "Constant" or len(constant.shape) != 2 or np.prod(constant.shape) < LEAST:
            continue
        by_rows = kind == "Gather" or node.get_attributes()["transpose_b"]
        whole, scale = to_int8(np.array(constant.data), axis=1 if by_rows else 0)
        decompressed = operations.convert(operations.constant(whole), "f32")
        product = operations.multiply(decompressed, operations.constant(scale))
        node.input(WEIGHTS_AT[kind]).replace_source_output(product.output(0))


def to_int8(weight: npt.NDArray[np.float32], axis: int) -> tuple[npt.NDArray[np.int8], npt.NDArray[np.float32]]:
    """Whole numbers from -127 to 127, and what they are multiplied by, which is the same along an axis."""
    largest = np.abs(weight).max(axis=axis, keepdims=True)
    scale = np.where(largest > 0, largest / 127, 1.0).astype(np.float32)
    return np.round(weight / scale).astype(np.int8), scale
