"""What an objective is: a head and a loss. A run takes one or more over one encoder pass.

Shapes: `T` packed tokens, `W` width.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar

from torch import Tensor, nn

from bertkit.batching.token_batch import TokenBatch
from bertkit.batching.training_batch import TrainingBatch
from bertkit.families.labels import Fitted

if TYPE_CHECKING:
    from bertkit.model.encoder import Encoder


@dataclass(frozen=True, slots=True)
class Loss:
    """The loss of one micro-batch, not yet divided by the number of targets.

    The loop divides by the targets of the whole global batch, over all micro-batches and ranks, so that how a batch is
    split does not change its gradient.

    Attributes:
        total: sum over the micro-batch's targets, a float32 scalar.
        sums: what else is measured, as detached sums over targets (`correct`); divided by the targets they are logged.
    """

    total: Tensor
    sums: Mapping[str, Tensor] = field(default_factory=dict)


class Objective(nn.Module, ABC):
    """One thing to learn. Subclasses are final and do not know one another.

    Attributes:
        name: the hub's name of the task, as a recipe spells it.
        head_name: which of a family's heads it trains; None where it has none.
        head: the head, a submodule.
    """

    name: ClassVar[str]
    head_name: ClassVar[str | None]
    head: nn.Module | None

    @property
    def own_encoder(self) -> Encoder | None:
        """The encoder under this objective's head where that is not the run's; it is saved with the head."""
        return None

    def inputs(self, tokens: TokenBatch, batch: TrainingBatch) -> TokenBatch:
        """The tokens that the encoder is to read instead of `tokens`; most objectives leave them as they are."""
        return tokens

    def output_indices(self, batch: TrainingBatch) -> Tensor | None:
        """Indices of the tokens whose last hidden states it reads; None for all of them."""
        return None

    @property
    def fitted(self) -> Fitted | None:
        """What a linear model that is to be the head's last layer minimises; None where it is not one that can be."""
        return None

    def to_fit(self, encoder: Encoder, hidden_TW: Tensor, batch: TrainingBatch) -> tuple[Tensor, Tensor]:
        """What that model reads and is to give: a row of features for each target, and how much of each class it has.

        Args:
            hidden_TW: NaN where nobody wanted it.
        """
        raise TypeError(f"{self.name} has no linear model")

    def forget(self) -> None:
        """Let go of what was kept of a micro-batch whose pass did not come to its end."""
        return

    @abstractmethod
    def count(self, batch: TrainingBatch) -> int:
        """How many targets the micro-batch has. Must not wait for a device."""

    @abstractmethod
    def forward(self, encoder: Encoder, hidden_TW: Tensor, batch: TrainingBatch) -> Loss:
        """The loss over the micro-batch's targets; with no target, a zero that still has a gradient.

        Args:
            hidden_TW: NaN where nobody wanted it.
        """
