"""The number of epochs and the learning rate, where the user gives none: by examples, width, and how the head begins.

Three epochs, the usual number, are too few steps for a small data set, and the model is left half trained (Mosbach et
al. 2021, arXiv 2006.04884; Zhang et al. 2021, arXiv 2006.05987). So there are more epochs the fewer examples there are.
Where the user gave no number, training also ends when the score on held-out examples rises no more (early stopping).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from bertkit.config.finetuning import RATE_TIMES_WIDTH, FinetuneConfig

PART_RATE = 10.0  # what starts from nothing alone, a head or LoRA's matrices, is trained at a higher rate than a model
FEWEST_EPOCHS, MOST_EPOCHS = 3, 10
READ_EXAMPLES = 6_000  # about so many, over all epochs, between these two
PATIENCE = 3


def rate_of(config: FinetuneConfig, width: int) -> float:
    """The learning rate: what the configuration says, or what the width asks for."""
    given = config.train.optimiser.learning_rate
    part = config.model.head_only or config.model.lora is not None
    return RATE_TIMES_WIDTH / width * (PART_RATE if part else 1.0) if given is None else given


@dataclass(frozen=True, slots=True)
class TrainingRecipe:
    """What a run does.

    Attributes:
        why: the epochs, in words for the user; None where they were asked for. A run that was not asked for so many
            also ends when nothing on the held-out examples is wrong any more.
        head_times: the head's learning rate, in those of the encoder.
        patience: measurements without a better score after which the run ends; None for all epochs.
    """

    epochs: float
    learning_rate: float
    head_times: float
    patience: int | None
    why: str | None = None

    def without_epochs(self) -> TrainingRecipe:
        """The same for a run that only fits its head."""
        return replace(self, epochs=0.0, why="no epoch: the head is the best linear one for the encoder as it is")

    @classmethod
    def of(cls, config: FinetuneConfig, *, examples: int, width: int, fitted: bool) -> TrainingRecipe:
        """What the configuration says, and for what it leaves open what the examples ask for.

        Args:
            examples: to learn from.
            width: of the encoder.
            fitted: whether the head begins as a linear model of what the encoder says, rather than from nothing.
        """
        table, part = config.train, config.model.head_only or config.model.lora is not None
        epochs, why = table.epochs, None
        if epochs is None:
            epochs = min(MOST_EPOCHS, max(FEWEST_EPOCHS, round(READ_EXAMPLES / examples)))
            why = f"{epochs} epochs, because {examples:,} examples"
        patience = table.patience
        if patience is None:
            patience = 0 if why is None else PATIENCE
        return cls(
            epochs=epochs,
            learning_rate=rate_of(config, width),
            head_times=table.optimiser.head_times if fitted and not part else 1.0,
            patience=patience or None,
            why=why,
        )
