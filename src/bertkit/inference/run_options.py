"""How a model runs, where whoever loads it says so. Torch-free."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field
from typing_extensions import TypedDict

from bertkit.inference.backends import MakeBackend

BatchTokens = Annotated[int, Field(ge=1)]


class RunOptions(TypedDict, total=False):
    """How a model runs, where `load` is to be told.

    Attributes:
        batch_tokens: most tokens of one batch; None, or left out, chooses for the device.
        explainable: prepare the model for `bertkit.inference.explain`: float32, gradients, slower.
        invariant: no bit of an answer depends on the other texts of its batch; on a CPU, slower.
        backend: what computes the network: `auto`, `torch`, `onnx`, `openvino`, or what makes it of an open checkpoint.
    """

    batch_tokens: BatchTokens | None
    explainable: bool
    invariant: bool
    backend: str | MakeBackend | None
