"""Confusion matrices: which label of a text, or type of an entity, was predicted for which."""

from __future__ import annotations

from collections.abc import Sequence

from bertkit.families.labels import Problem
from bertkit.labelled.examples import Example
from bertkit.metrics.classification_scores import Confusion, confusion_matrix
from bertkit.metrics.results import Prediction, best_label
from bertkit.metrics.task_scores import problem_of, tags_of, target_of
from bertkit.tasks.catalogue import find_spec
from bertkit.tasks.entities import group, read_tags
from bertkit.tasks.spec import loaded

NO_ENTITY = "(none)"


def confusion_of(
    task: str, problem: Problem | None, results: Sequence[Prediction], examples: Sequence[Example]
) -> Confusion | None:
    """What was taken for what; None where a task's answers are not of a few kinds."""
    named = find_spec(task).confusion
    return None if named is None else loaded(named)(problem, results, examples)


def of_entities(problem: Problem | None, results: Sequence[Prediction], examples: Sequence[Example]) -> Confusion:
    """Of the types of entities."""
    return entity_confusion(*tags_of(results, examples))


def of_labels(problem: Problem | None, results: Sequence[Prediction], examples: Sequence[Example]) -> Confusion | None:
    """Of single labels; None of several, and of numbers."""
    if (problem or problem_of(examples)) != "single-label":
        return None
    return confusion_matrix([target_of(one, str) for one in examples], [best_label(one) for one in results])


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
