"""How a task is trained: what an example becomes, and the loss. How it is answered is in `tasks/contract.py`."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from torch import nn

from bertkit.errors import TextTooLong
from bertkit.labelled.examples import Example
from bertkit.labelled.pair_texts import PairTexts
from bertkit.model.soft_labels import SoftLabels
from bertkit.objectives.objective import Objective
from bertkit.tasks.contract import Texts
from bertkit.tokenization.windows import Encoded, Window

if TYPE_CHECKING:
    from bertkit.sampling.sample_stream import Sample


@dataclass(frozen=True, slots=True)
class TrainingOptions:
    """What may be chosen about learning; a task reads its own.

    Attributes:
        class_weights: by label, what an example of it counts.
        smoothing: share of the probability that is spread over all labels.
        scores: which scores of pairs are the cosines 0 and 1; None where pairs have none.
        dimensions: shorter vectors that are learnt as well.
        teacher: how a teacher's numbers are learnt, which samples then have.
        pairs: the texts of pairs without scores, and which belong together.
    """

    class_weights: Mapping[str, float] | None = None
    smoothing: float = 0.0
    scores: tuple[float, float] | None = None
    dimensions: Sequence[int] = ()
    teacher: SoftLabels | None = None
    pairs: PairTexts | None = None


class TaskTraining(ABC):
    """How one task is learnt. Subclasses are final and know their own task only.

    Attributes:
        masked: whether masks, drawn anew in each epoch, are what is learnt: texts are then read as they stand.
        parts: what an example is read in, where it is more than one sample.
    """

    masked: ClassVar[bool] = False
    parts: ClassVar[str] = "windows"

    def read(self, fields: Mapping[str, object]) -> tuple[Texts, ...] | None:
        """The inputs of a row, where they are others than those the task answers; else None."""
        return None

    @abstractmethod
    def samples(self, example: Example, encoded: Sequence[Encoded]) -> list[Sample]:
        """What is learnt from one example.

        Args:
            encoded: one for each input that was read from the example's row, in that order.

        Raises:
            InputError: the example has not the kind of target that the task learns from.
        """

    @abstractmethod
    def objective(self, head: nn.Module | None) -> Objective:
        """The loss, over the task's head."""


def ids_and_segments(windows: Sequence[Window]) -> tuple[tuple[list[int], ...], tuple[list[int], ...]]:
    """The sequences of a sample, as it keeps them."""
    return tuple(window.ids for window in windows), tuple(window.segments for window in windows)


def whole(example: Example, encoded: Sequence[Encoded]) -> list[Window]:
    """The one window of each input, for what is learnt from whole texts only.

    Raises:
        TextTooLong: an input is in several.
    """
    for one in encoded:
        if len(one.windows) > 1:
            raise TextTooLong(
                f"{example.row.place}: the text has {one.input_tokens} tokens, more than the model reads",
                "Shorten it, or choose --long truncate, which drops what is too much.",
            )
    return [one.windows[0] for one in encoded]
