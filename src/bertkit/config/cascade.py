"""What a folder says of a cascade: a small model that answers where it is sure, before a large one. Torch-free."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from bertkit.config.strict import Strict
from bertkit.config.training import Positive, Size

Fraction = Annotated[float, Field(ge=0.0, le=1.0)]


class CascadeSettings(Strict):
    """What stands beside a teacher's weights, whose student is in a folder within.

    Attributes:
        problem: that both classifiers answer.
        confidence: from which the student's answer stands: of single labels the probability of the best one, of several
            that of the least certain one, there or not.
        temperature: what the student's logits are divided by before they become that probability.
        scale: what the student's logits are multiplied by to stand in the place of the teacher's.
        answered: share of the examples' texts, by their windows, that the student answers.
        speed: how many times as many tokens a second as the teacher alone.
        metric: that the loss is of.
        loss_points: what the metric falls by, of the 100 that a share has; each fifth of the examples was answered with
            the confidence that the others chose.
        loss_low, loss_high: its 95 % interval.
        examples: that the confidence was chosen on.
        data_sha256: of their file; None where they came from standard input.
    """

    schema_version: Literal[1] = 1
    task: Literal["text-classification"] = "text-classification"
    problem: Literal["single-label", "multi-label"]
    confidence: Fraction
    temperature: Positive
    scale: Positive
    answered: Fraction
    speed: Positive
    metric: str
    loss_points: float
    loss_low: float
    loss_high: float
    examples: Size
    data_sha256: str | None = None
