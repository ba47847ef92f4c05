"""next-sentence-prediction: does the second text follow the first? (Devlin et al. 2018)"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from bertkit.config.readout import Final
from bertkit.tasks.contract import Outcome, Reading, Result, Target, Texts, place_of, text_field
from bertkit.tasks.scoring import ScoringTask, softmax, window_logits

CLASSES = ("is_next", "not_next")  # the head's rows, as an explanation calls them


@dataclass(frozen=True, kw_only=True)
class IsNext(Result):
    """The probability that the second text follows the first."""

    is_next: float

    def answer(self) -> dict[str, object]:
        """`{"is_next": 0.98}`."""
        return {"is_next": self.is_next}


class NextSentencePrediction(ScoringTask):
    """The second objective of BERT's pre-training. A pair is one input: it is not read in windows."""

    name: ClassVar[str] = "next-sentence-prediction"
    head_name: ClassVar[str | None] = "next-sentence"
    overlap: ClassVar[float | None] = None
    classes = 2

    def read(self, fields: Mapping[str, object]) -> tuple[Texts, ...]:
        """Both texts are needed."""
        return (Texts(text_field(fields, "text"), text_field(fields, "text_pair")),)

    @property
    def final(self) -> Final:
        """Probabilities of both classes."""
        return Final("softmax")

    def decode(self, outcomes: Sequence[Outcome], reading: Reading) -> IsNext:
        """The probability of the first of the two."""
        (outcome,) = outcomes
        return IsNext(is_next=float(softmax(window_logits(outcome))[0, 0]), reading=reading)

    def target(self, outcomes: Sequence[Outcome], result: Result, name: str | None) -> Target:
        """The logit of the likelier class, or of the one called `name`: `is_next` or `not_next`."""
        assert isinstance(result, IsNext)
        best = CLASSES[int(result.is_next < 0.5)]
        which = place_of(best if name is None else name, CLASSES, "class")
        return Target(CLASSES[which], ((0, which),))
