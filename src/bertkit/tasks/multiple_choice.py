"""multiple-choice: which of several texts goes with a text, as in SWAG (Devlin et al. 2018, section 4.4)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import ClassVar

import numpy as np

from bertkit.tasks.contract import Outcome, Reading, Result, Texts, text_field, texts_field
from bertkit.tasks.scoring import Scored, ScoringTask, best_first, mean_logits, softmax


@dataclass(frozen=True, kw_only=True)
class Choices(Result):
    """All choices, best first; the scores are probabilities that one of them is right."""

    choices: list[Scored]

    def answer(self) -> dict[str, object]:
        """`{"choices": [{"index", "score"}…]}`."""
        return {"choices": [asdict(choice) for choice in self.choices]}


class MultipleChoice(ScoringTask):
    """Each choice is read behind the text; one logit a choice, softmax over the choices.

    The logits of a long text's windows are averaged.
    """

    name: ClassVar[str] = "multiple-choice"
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
