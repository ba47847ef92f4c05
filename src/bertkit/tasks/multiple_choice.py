"""multiple-choice: which of several texts goes with a text, as in SWAG (Devlin et al. 2018, section 4.4)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import ClassVar

import numpy as np

from bertkit.tasks.contract import Outcome, Reading, Result, Target, Texts, place_of, text_field, texts_field
from bertkit.tasks.scoring import ScoredIndex, ScoringTask, best_first, mean_logits, softmax


@dataclass(frozen=True, kw_only=True)
class Choices(Result):
    """All choices, best first; the scores are probabilities that one of them is right."""

    choices: list[ScoredIndex]

    def answer(self) -> dict[str, object]:
        """`{"choices": [{"index", "score"}…]}`."""
        return {"choices": [asdict(choice) for choice in self.choices]}


class MultipleChoice(ScoringTask):
    """Each choice is read behind the text; one logit a choice, softmax over the choices.

    The logits of a long text's windows are averaged.
    """

    name: ClassVar[str] = "multiple-choice"
    fields: ClassVar[tuple[str, ...]] = ("text", "choices")
    head_name: ClassVar[str | None] = "multiple-choice"
    classes = 1

    def read(self, fields: Mapping[str, object]) -> tuple[Texts, ...]:
        """A text and its choices."""
        text = text_field(fields, "text")
        return tuple(Texts(text, choice) for choice in texts_field(fields, "choices"))

    def decode(self, outcomes: Sequence[Outcome], reading: Reading) -> Choices:
        """Probabilities over the choices of a row."""
        logits_N = np.concatenate([mean_logits(outcome) for outcome in outcomes])
        return Choices(choices=best_first(softmax(logits_N)), reading=reading)

    def target(self, outcomes: Sequence[Outcome], result: Result, name: str | None) -> Target:
        """The logit of the best choice, or of the one whose index is `name`."""
        assert isinstance(result, Choices)
        indices = [str(index) for index in range(len(outcomes))]
        best = str(result.choices[0].index)
        choice = place_of(best if name is None else name, indices, "choice")
        return Target(indices[choice], ((0, 0),), choice)
