"""What `bertkit finetune --search` chooses from. Torch-free."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

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
