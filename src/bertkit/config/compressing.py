"""What a model is compressed to, and how much worse it may answer: what the command line and Python say. Torch-free."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, model_validator

from bertkit.config.data_source import Sources
from bertkit.config.strict import Strict
from bertkit.config.training import Size

To = Literal["int8", "fp16", "bf16"]
WAYS = ("to", "cascade", "trim_vocab", "drop_layers", "prune_ffn")  # of which there is one at a time


class CompressConfig(Strict):
    """A compression.

    Attributes:
        model: a folder or a hub name.
        output: the folder to write.
        to: int8, or half of the bytes of float32; None where something else is made.
        trim_vocab: text, whose tokens are all that the model is to keep.
        drop_layers: how many layers are to go.
        prune_ffn: how many numbers between the two layers of each MLP are to be left.
        cascade: a small model that is to answer where it is sure, before this one.
        data: labelled examples, which calibrate and measure; None where neither is needed.
        max_loss: points that the task's metric may fall by, of the 100 that a share has.
        calibration_examples: of the data, whose texts say how large activations are.
        task, problem, format, columns, bad_answers, long: as for an evaluation.
    """

    model: str
    output: str
    to: To | None = None
    cascade: str | None = None
    trim_vocab: str | None = None
    drop_layers: Size | None = None
    prune_ffn: Size | None = None
    data: Sources | None = None
    max_loss: float = 0.5
    calibration_examples: Size = 300
    task: str | None = None
    problem: Literal["single-label", "multi-label", "regression"] | None = None
    format: str | None = None
    columns: dict[str, str] = Field(default_factory=dict)
    bad_answers: Literal["stop", "drop"] | None = None
    long: Literal["error", "truncate", "window"] = "window"

    @model_validator(mode="before")
    @classmethod
    def _int8_where_nothing_is_said(cls, values: dict[str, Any]) -> dict[str, Any]:
        said = [name for name in WAYS if values.get(name) is not None]
        if len(said) > 1:
            raise ValueError(f"{' and '.join(said)} are both given: make one of the other's folder")
        return values if said else {**values, "to": "int8"}

    @model_validator(mode="after")
    def _measured_on_data(self) -> CompressConfig:
        needs = {"int8 is calibrated": self.to == "int8", "a cascade is chosen": self.cascade is not None}
        needs |= {"layers to drop are chosen": self.drop_layers is not None}
        needs |= {"what is left of MLPs is chosen": self.prune_ffn is not None}
        what = next((what for what, is_asked in needs.items() if is_asked), None)
        if self.data is None and what is not None:
            raise ValueError(f"{what} and measured on labelled examples: give data")
        return self
