"""What a model is exported to: what the command line and Python say. Torch-free."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from bertkit.config.strict import Strict

Format = Literal["onnx", "onnx-int8", "openvino", "openvino-int8", "torch", "gguf", "gguf-int8"]


class ExportConfig(Strict):
    """An export.

    Attributes:
        model: a folder or a hub name; None is the built-in default.
        output: the folder to write; it must be new or empty.
        to: the formats; one folder can hold several.
        task: the hub's name of what the graph does; what the checkpoint's head does where left out.
        revision: branch, tag or commit of a hub model.
    """

    model: str | None = None
    output: str
    to: Annotated[list[Format], Field(min_length=1)]
    task: str | None = None
    revision: str | None = None
