"""A classifier's calibration: its temperature and its threshold, found on labelled examples. Torch-free."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from bertkit.config.strict import Strict
from bertkit.config.training import Positive, Size

Fraction = Annotated[float, Field(ge=0.0, le=1.0)]


class ModelCalibration(Strict):
    """What stands beside a model's weights, and goes into each of its answers.

    Attributes:
        problem: that the classifier was calibrated for; its answers to another are left alone.
        temperature: what its logits are divided by.
        abstain_below: the score of the best label below which it had rather said nothing; None where it always answers.
        examples: that the temperature was fitted on.
        data_sha256: of their file; None where they came from standard input.
        error_before, error_after: the expected calibration error without and with a temperature, each example measured
            with the one that fits the other half of them.
    """

    schema_version: Literal[1] = 1
    task: Literal["text-classification"] = "text-classification"
    problem: Literal["single-label", "multi-label"]
    temperature: Positive
    abstain_below: Fraction | None = None
    examples: Size
    data_sha256: str | None = None
    error_before: Fraction
    error_after: Fraction
