"""zero-shot-classification: any labels, by a model of entailment (Yin et al. 2019, https://arxiv.org/abs/1909.00161).

Each label becomes a sentence, the hypothesis; the model says whether the text entails it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, ClassVar, Literal, get_args

import numpy as np

from bertkit.errors import InputError, UserError, near_match
from bertkit.families.labels import read_labels
from bertkit.tasks.contract import Outcome, Reading, Result, Target, Texts, place_of, text_field, texts_field
from bertkit.tasks.scoring import Labels, ScoringTask, check_most, mean_logits, ranked_labels, softmax

if TYPE_CHECKING:
    from bertkit.tokenization.tokenizer import Tokenizer

ZeroShotProblem = Literal["single-label", "multi-label"]
TEMPLATE = "This example is {}."


class ZeroShotClassification(ScoringTask):
    """Labels that are given with each text.

    The logits of a long text's windows are averaged.

    Args:
        labels: of the classifier's rows; one of them is called `entailment`.
        problem: `single-label`: softmax over the labels' logits of entailment; `multi-label`, or a row with one label:
            each label's softmax over entailment and contradiction, which then one of the labels must be.
        hypothesis_template: the sentence, with `{}` where the label goes.
        top_k: labels to give, the best ones; all where None.
    """

    name: ClassVar[str] = "zero-shot-classification"
    fields: ClassVar[tuple[str, ...]] = ("text", "candidate_labels")
    head_name: ClassVar[str | None] = "text-classification"

    def __init__(
        self,
        tokenizer: Tokenizer,
        labels: Sequence[str],
        problem: ZeroShotProblem = "single-label",
        hypothesis_template: str = TEMPLATE,
        top_k: int | None = None,
    ) -> None:
        super().__init__(tokenizer)
        if problem not in get_args(ZeroShotProblem):
            hint = near_match(problem, get_args(ZeroShotProblem))
            raise UserError(f"unknown problem {problem!r} for {self.name}{hint}", "Choose single-label or multi-label.")
        if "{}" not in hypothesis_template:
            raise UserError(f"no {{}} in the hypothesis template {hypothesis_template!r}", f"Write it as {TEMPLATE!r}.")
        self.labels = tuple(labels)
        self.classes = len(self.labels)
        self.problem = problem
        self.hypothesis_template = hypothesis_template
        self.top_k = check_most(top_k)
        self._entailment = _find_entailment(self.labels)
        self._contradiction = _find_contradiction(self.labels, self._entailment)
        if problem == "multi-label" and self._contradiction is None:
            raise UserError(
                f"multi-label needs a label called contradiction, and there is none among {', '.join(self.labels)}",
                "Choose single-label, or name the model's labels in the id2label of its config.json.",
            )

    @classmethod
    def suits(cls, config: Mapping[str, object], rows: int) -> bool:
        """A classifier that knows entailment."""
        named = config.get("id2label")
        return rows > 1 and isinstance(named, dict) and any(map(is_entailment, map(str, named.values())))

    @classmethod
    def options(cls, config: Mapping[str, object], rows: int) -> dict[str, object]:
        """The classifier's labels."""
        return {"labels": read_labels(config)}

    def read(self, fields: Mapping[str, object]) -> tuple[Texts, ...]:
        """A text and each of its candidate labels; labels in one string are separated by commas."""
        text = text_field(fields, "text")
        labels = candidates(fields)
        if len(labels) == 1 and self._contradiction is None:
            raise InputError(
                f"field 'candidate_labels' has one label only, and this model has no contradiction to hold against it "
                f"(its labels: {', '.join(self.labels)})",
                "Name two labels or more.",
            )
        return tuple(Texts(text, self.hypothesis_template.replace("{}", label), name=label) for label in labels)

    def decode(self, outcomes: Sequence[Outcome], reading: Reading) -> Labels:
        """The candidate labels by probability."""
        logits_NC = np.stack([mean_logits(outcome) for outcome in outcomes])
        if self.problem == "single-label" and len(outcomes) > 1:
            scores_N = softmax(logits_NC[:, self._entailment])
        else:
            assert self._contradiction is not None, "checked where the row was read"
            scores_N = softmax(logits_NC[:, [self._entailment, self._contradiction]])[:, 0]
        names = [outcome.texts.name for outcome in outcomes]
        return Labels(labels=ranked_labels(names, scores_N)[: self.top_k], reading=reading)

    def target(self, outcomes: Sequence[Outcome], result: Result, name: str | None) -> Target:
        """The logit of entailment of the best label, or of the one called `name`, read with its hypothesis."""
        assert isinstance(result, Labels)
        names = [outcome.texts.name for outcome in outcomes]
        label = place_of(result.labels[0].label if name is None else name, names, "candidate label")
        return Target(names[label], ((0, self._entailment),), label)


def candidates(fields: Mapping[str, object]) -> list[str]:
    """The candidate labels of a row: a list, or one string with commas between."""
    name = "candidate_labels"
    value = fields.get(name)
    if isinstance(value, str):
        fields = {name: [label for label in map(str.strip, value.split(",")) if label]}
    labels = texts_field(fields, name)
    twice = [label for place, label in enumerate(labels) if label in labels[:place]]
    if twice:
        raise InputError(f"field {name!r} has {twice[0]!r} twice", "Name each label once.")
    return labels


def is_entailment(label: str) -> bool:
    """Whether a model's label is the one of entailment; models also write ENTAILMENT, entails, entail."""
    return label.lower().startswith("entail")


def _find_entailment(labels: Sequence[str]) -> int:
    for id, label in enumerate(labels):
        if is_entailment(label):
            return id
    raise UserError(
        f"no label called entailment among {', '.join(labels)}",
        "Choose a model of natural language inference, or name its labels in the id2label of its config.json.",
    )


def _find_contradiction(labels: Sequence[str], entailment: int) -> int | None:
    """The label that is called so, else the only one beside entailment and neutral; None where that is open."""
    called = [id for id, label in enumerate(labels) if label.lower().startswith("contra")]
    left = [id for id, label in enumerate(labels) if id != entailment and not label.lower().startswith("neutral")]
    if called:
        return called[0]
    return left[0] if len(left) == 1 else None
