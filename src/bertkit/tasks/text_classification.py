"""text-classification: labels of a text or of a pair, or a number (Devlin et al. 2018)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from bertkit.config.readout import Final
from bertkit.errors import UserError, near_match
from bertkit.families.labels import PROBLEMS, Problem, read_labels, read_problem
from bertkit.tasks.contract import Outcome, Reading, Result, Target, place_of
from bertkit.tasks.scoring import Labels, ScoringTask, check_most, mean_logits, ranked_labels, sigmoid, softmax

if TYPE_CHECKING:
    from bertkit.tokenization.tokenizer import Tokenizer


@dataclass(frozen=True, kw_only=True)
class Value(Result):
    """The number that a regression gives, as the head gives it."""

    value: float

    def answer(self) -> dict[str, object]:
        """`{"value": 3.2}`."""
        return {"value": self.value}


class TextClassification(ScoringTask):
    """Labels for a text, or for the relation of two texts.

    The windows of a long text share nothing, and their logits are averaged before they become probabilities.

    Args:
        labels: of the classifier's rows.
        problem: `single-label`, one of the labels is right (softmax); `multi-label`, each may be (sigmoid);
            `regression`, the only row is the answer, or each of several rows is one under its label.
        temperature: what logits are divided by before they become probabilities (Guo et al. 2017). The best label, and
            whether a label of several is likelier than not, do not hang on it.
        abstain_below: of `single-label`: the score of the best label below which an answer says that it `abstained`.
        top_k: labels to give, the best ones; all where None.
    """

    name: ClassVar[str] = "text-classification"
    head_name: ClassVar[str | None] = "text-classification"

    def __init__(
        self,
        tokenizer: Tokenizer,
        labels: Sequence[str],
        problem: Problem = "single-label",
        temperature: float = 1.0,
        abstain_below: float | None = None,
        top_k: int | None = None,
    ) -> None:
        super().__init__(tokenizer)
        self.labels = tuple(labels)
        self.classes = len(self.labels)
        self.problem: Problem = problem
        if problem not in PROBLEMS.values():
            hint = near_match(problem, PROBLEMS.values())
            raise UserError(f"unknown problem {problem!r}{hint}", f"Choose one of {', '.join(PROBLEMS.values())}.")
        if problem == "single-label" and self.classes == 1:
            raise UserError("one label alone is always right", "Choose multi-label or regression.")
        if temperature <= 0:
            raise UserError(f"temperature is {temperature}", "Choose a number above 0; 1 changes nothing.")
        if abstain_below is not None and problem != "single-label":
            raise UserError(f"abstain_below with {problem}", "Leave it out; it is for single-label.")
        self.temperature = temperature
        self.abstain_below = abstain_below
        self.top_k = check_most(top_k)

    @classmethod
    def options(cls, config: Mapping[str, object], rows: int) -> dict[str, object]:
        """The labels, and the problem."""
        return {"labels": read_labels(config), "problem": read_problem(config)}

    @property
    def final(self) -> Final | None:
        """Probabilities; a regression's numbers are answers as they are."""
        activation = {"single-label": "softmax", "multi-label": "sigmoid"}.get(self.problem)
        return None if activation is None else Final(activation, self.temperature)

    def decode(self, outcomes: Sequence[Outcome], reading: Reading) -> Result:
        """The mean of the windows' logits, as a number or as labels; a regression's "scores" are its numbers."""
        (outcome,) = outcomes
        logits_C = mean_logits(outcome)
        if self.problem == "regression" and self.classes == 1:
            return Value(value=float(logits_C[0]), reading=reading)
        if self.problem == "regression":
            return Labels(labels=ranked_labels(self.labels, logits_C)[: self.top_k], reading=reading)
        logits_C = logits_C / self.temperature
        scores_C = softmax(logits_C) if self.problem == "single-label" else sigmoid(logits_C)
        labels = ranked_labels(self.labels, scores_C)
        abstained = None if self.abstain_below is None else labels[0].score < self.abstain_below
        return Labels(labels=labels[: self.top_k], abstained=abstained, reading=reading)

    def target(self, outcomes: Sequence[Outcome], result: Result, name: str | None) -> Target:
        """The logit of the best label, or of the one called `name`."""
        best = result.labels[0].label if isinstance(result, Labels) else self.labels[0]
        label = place_of(best if name is None else name, self.labels, "label")
        return Target(self.labels[label], ((0, label),))
