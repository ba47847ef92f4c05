"""An ONNX file with matrices of 8 bits: weights with a scale for each output, activations with one for each product."""

from __future__ import annotations

import logging
from pathlib import Path

from bertkit.config.extras import load_extra


def quantise(source: Path, path: Path) -> None:
    """Write the graph of `source` with its products in int8.

    Raises:
        UserError: the libraries for it are not installed.
    """
    load_extra("onnx", "onnx")
    quantization = load_extra("onnxruntime.quantization", "onnx")
    path.parent.mkdir(exist_ok=True)
    big = any(source.parent.glob(f"{source.name}_*"))  # its weights stand beside it, and so will these
    logging.disable(logging.WARNING)  # it advises a step before this one, for graphs of pictures
    try:
        quantization.quantize_dynamic(
            source,
            path,
            per_channel=True,
            weight_type=quantization.QuantType.QInt8,
            use_external_data_format=big,
        )
    finally:
        logging.disable(logging.NOTSET)
