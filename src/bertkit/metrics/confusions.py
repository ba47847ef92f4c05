"""What was taken for what: labels of texts, and types of entities."""

from __future__ import annotations

from collections.abc import Sequence

from bertkit.families.labels import Problem
from bertkit.labelled.examples import Example
from bertkit.metrics.classification_scores import Confusion, confusion_matrix
from bertkit.metrics.results import Result, best_label
from bertkit.metrics.task_scores import problem_of, tags_of, target_of
from bertkit.tasks.entities import group, read_tags

NO_ENTITY = "(none)"


def confusion_of(
    task: str, problem: Problem | None, results: Sequence[Result], examples: Sequence[Example]
) -> Confusion | None:
    """The confusions of single labels, or of the types of entities; None where a task has neither."""
    if task == "token-classification":
        return entity_confusion(*tags_of(results, examples))
    if task in ("text-classification", "zero-shot-classification") and _is_single(problem, examples):
        return confusion_matrix([target_of(one, str) for one in examples], [best_label(one) for one in results])
    return None


def entity_confusion(gold: Sequence[Sequence[str]], predicted: Sequence[Sequence[str]]) -> Confusion:
    """The type of each entity beside that of the predicted one of the very same words.

    An entity that none has the words of counts as taken for `(none)`, and a predicted one that no right one has the
    words of counts as `(none)` taken for its type.

    Args:
        gold, predicted: the tags of each sentence, in IOB2.
    """
    right: list[str] = []
    found: list[str] = []
    for tags in zip(gold, predicted, strict=True):
        gold_types, predicted_types = (
            {(start, stop): type for type, start, stop in group(read_tags(each))} for each in tags
        )
        for words in gold_types | predicted_types:
            right.append(gold_types.get(words, NO_ENTITY))
            found.append(predicted_types.get(words, NO_ENTITY))
    return confusion_matrix(right, found)


def _is_single(problem: Problem | None, examples: Sequence[Example]) -> bool:
    return (problem or problem_of(examples)) == "single-label"
