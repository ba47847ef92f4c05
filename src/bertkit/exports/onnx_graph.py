"""A network as an ONNX file: any number of texts of any length, plain operators, finite masks."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch

from bertkit.config.extras import load_extra
from bertkit.errors import BadExport
from bertkit.exports.padded_network import PaddedNetwork

OPSET = 18
DATA_ENDING = "_data"  # of the file beside a graph that holds the weights which one file has no room for
MOST_BYTES = 1_900_000_000  # of one file: its format ends at 2 GiB


def write_onnx(program: PaddedNetwork, path: Path) -> None:
    """Write a network and its weights.

    Raises:
        UserError: the libraries for it are not installed.
        BadExport: the file is not one that other programs can be sure to read.
    """
    onnx = load_extra("onnx", "onnx")
    onnx_ir = load_extra("onnx_ir", "onnx")
    load_extra("onnxscript", "onnx")
    graph = _traced(program).model
    graph.producer_name = "bertkit"
    weights = sum(parameter.numel() * 4 for parameter in program.parameters())
    path.parent.mkdir(exist_ok=True)
    beside = path.name + DATA_ENDING if weights > MOST_BYTES else None
    onnx_ir.save(graph, path, external_data=beside)
    try:
        onnx.checker.check_model(path, full_check=True)  # with the shapes of all that is between
    except (onnx.checker.ValidationError, onnx.shape_inference.InferenceError) as error:
        raise BadExport(f"{path}: is not valid ONNX: {str(error).splitlines()[0]}") from error


def _traced(program: PaddedNetwork) -> Any:
    signature = program.signature
    any_size = {0: "batch", 1: "sequence"}
    with _quiet():
        return torch.onnx.export(
            program,
            program.example(),
            dynamo=True,
            dynamic_shapes=tuple(any_size for _ in signature.inputs),
            input_names=signature.inputs,
            output_names=signature.outputs,
            opset_version=OPSET,
            custom_translation_table={torch.ops.aten.scaled_dot_product_attention.default: _attention()},
            verbose=False,
        )


def _attention() -> Any:
    """Attention as few plain operators, which runtimes recognise and fuse.

    What the exporter makes of it by itself goes on to replace weights that are NaN, which ours never are, and turns
    keys around by way of two reshapings.
    """
    op = load_extra("onnxscript", "onnx").opset18

    def attention(query: Any, key: Any, value: Any, attn_mask: Any = None, *rest: Any, **how: Any) -> Any:
        scale = op.Constant(value_float=float(query.shape[-1]) ** -0.5)
        scores = op.MatMul(op.Mul(query, scale), op.Transpose(key, perm=[0, 1, 3, 2]))
        return op.MatMul(op.Softmax(op.Add(scores, attn_mask), axis=-1), value)

    return attention


@contextmanager
def _quiet() -> Iterator[None]:
    """The exporter warns of its own parts, and of libraries that nothing here needs."""
    logger = logging.getLogger("torch.onnx._internal.exporter._registration")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)
