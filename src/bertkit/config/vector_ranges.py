"""The ranges that a model's vectors are stored in as bytes, found on texts. Torch-free."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from bertkit.config.strict import Strict
from bertkit.config.training import Size

Number = Annotated[float, Field(allow_inf_nan=False)]


class VectorRanges(Strict):
    """What stands beside a model's weights, and is what the 256 values of a byte are spread over.

    Attributes:
        low, high: the least and the greatest value of each number of a vector.
        texts: that they were found on.
        data_sha256: of their file; None where they came from standard input.
    """

    schema_version: Literal[1] = 1
    low: list[Number] = Field(min_length=1)
    high: list[Number]
    texts: Size
    data_sha256: str | None = None

    @model_validator(mode="after")
    def _fit(self) -> Self:
        if len(self.low) != len(self.high) or any(low > high for low, high in zip(self.low, self.high, strict=True)):
            raise ValueError("low and high are not the least and the greatest values of the same numbers")
        return self
