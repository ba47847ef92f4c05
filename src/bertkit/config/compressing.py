"""What a model is compressed to, and how much worse it may answer: what the command line and Python say. Torch-free."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from bertkit.config.data_source import Sources
from bertkit.config.strict import Strict
from bertkit.config.training import Size


class CompressConfig(Strict):
    """A compression.

    Attributes:
        model: a folder or a hub name.
        output: the folder to write.
        to: int8, or half of the bytes of float32.
        data: labelled examples, which calibrate and measure; None where neither is needed.
        max_loss: points that the task's metric may fall by, of the 100 that a share has.
        calibration_examples: of the data, whose texts say how large activations are.
        task, problem, format, columns, bad_answers, long: as for an evaluation.
    """

    model: str
    output: str
    to: Literal["int8", "fp16", "bf16"] = "int8"
    data: Sources | None = None
    max_loss: float = 0.5
    calibration_examples: Size = 300
    task: str | None = None
    problem: Literal["single-label", "multi-label", "regression"] | None = None
    format: str | None = None
    columns: dict[str, str] = Field(default_factory=dict)
    bad_answers: Literal["stop", "drop"] | None = None
    long: Literal["error", "truncate", "window"] = "window"

    @model_validator(mode="after")
    def _int8_needs_data(self) -> CompressConfig:
        if self.to == "int8" and self.data is None:
            raise ValueError("int8 is calibrated and measured on labelled examples: give data")
        return self
