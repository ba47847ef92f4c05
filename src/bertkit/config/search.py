"""The ranges of settings that `bertkit finetune --search` draws from. Torch-free."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import Field, model_validator

from bertkit.config.finetuning import FinetuneConfig
from bertkit.config.strict import Strict
from bertkit.config.training import Positive, Size


class SearchTable(Strict):
    """The space of a random search (Bergstra and Bengio 2012): every trial draws each setting on its own.

    Attributes:
        learning_rate: the least and the greatest; any between, evenly by their logarithms. Where left out, from 0.3 to
            3 times the run's own.
        epochs, batch_samples: values, each as likely.
    """

    learning_rate: Annotated[list[Positive], Field(min_length=2, max_length=2)] | None = None
    epochs: Annotated[list[Positive], Field(min_length=1)] = Field(default=[2.0, 3.0, 5.0])
    batch_samples: Annotated[list[Size], Field(min_length=1)] = Field(default=[16, 32, 64])


class SweepConfig(Strict):
    """Several runs of fine-tuning: with other seeds, or with other settings.

    Attributes:
        base: the run as it is without the sweep.
        seeds: how many, from the run's own on.
        search: how many settings are tried, of `space`.
    """

    base: FinetuneConfig
    seeds: Annotated[int, Field(ge=2)] | None = None
    search: Annotated[int, Field(ge=1)] | None = None
    space: SearchTable = SearchTable()

    @model_validator(mode="after")
    def _one_of_them(self) -> Self:
        if (self.seeds is None) == (self.search is None):
            raise ValueError("a sweep is over seeds or over settings, one of the two")
        return self
