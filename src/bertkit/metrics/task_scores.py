"""Each task's metrics, computed from answers and labelled examples. The one place that says which a task has."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

import numpy as np

from bertkit.errors import InputError
from bertkit.families.labels import Problem
from bertkit.labelled.examples import Example, References, Tagged
from bertkit.labelled.score_range import cosine_range
from bertkit.metrics import answer_scores
from bertkit.metrics.classification_scores import (
    classification_scores,
    confusion_matrix,
    counts_of,
    multi_label_counts,
    multi_label_scores,
    regression_scores,
)
from bertkit.metrics.entity_scores import count_entities
from bertkit.metrics.intervals import Metrics, Numbers
from bertkit.metrics.label_counts import Counts
from bertkit.metrics.ranking_scores import query_scores
from bertkit.metrics.resampling import (
    resampled_answers_v1,
    resampled_answers_v2,
    resampled_entities,
    resampled_label_sets,
    resampled_labels,
    resampled_means,
    resampled_numbers,
)
from bertkit.metrics.results import Prediction, best_label, entities, field_of, label_scores, number, scored_places
from bertkit.metrics.word_tags import as_iob2, tags_of_words, types_of
from bertkit.tasks.catalogue import find_part

Kind = TypeVar("Kind")
Names = Sequence[str] | None
LARGEST_COSINE = 1.0001  # of unit vectors in float32
LIKELY = 0.5  # from this score a label of several is given
PREFER_NO_ANSWER = 0.5  # of a record: no answer is then likelier than the best one


@dataclass(frozen=True, slots=True)
class Scores:
    """What came out.

    Attributes:
        metrics: name -> value, in the order to show them; fractions, SQuAD's `exact_match` and `f1` percentages.
        counts: of each label or type of entity, where the task has such.
        at: the metrics of any resample of the examples; None where they are not of examples each for itself.
    """

    metrics: dict[str, float]
    counts: Mapping[str, Counts] = field(default_factory=dict)
    at: Metrics | None = None


def score(
    task_name: str, problem: Problem | None, results: Sequence[Mapping[str, object]], examples: Sequence[Example]
) -> dict[str, float]:
    """The metrics of a task's answers; see `score_results`."""
    return score_results(
        task_name, problem, [Prediction(one, f"result {n}") for n, one in enumerate(results, 1)], examples
    ).metrics


def score_results(
    task_name: str,
    problem: Problem | None,
    results: Sequence[Prediction],
    examples: Sequence[Example],
    names: Names = (),
) -> Scores:
    """Scores answers.

    Args:
        task_name: the hub's name of the task.
        problem: of text-classification and zero-shot-classification; told by the examples' targets when left out.
        results: the answer to each example, in their order.
        examples: at least one.
        names: labels that answers can have, to be compared with the examples'; None takes those that they have.

    Raises:
        UserError: the task has no scores.
        InputError: no examples, another number of results, a result that is not what the task answers, or labels that
            have nothing to do with each other.
    """
    scorer = find_part(task_name, "scorer", "has no scores")
    if not examples:
        raise InputError("no examples to score", "Give labelled data with at least one row.")
    if len(results) != len(examples):
        raise InputError(
            f"{len(results)} predictions for {len(examples)} examples",
            "Predict every row of the same data, in its order.",
        )
    scores: Scores = scorer(problem, results, examples, names)
    return scores


def score_answers(
    predicted: Mapping[str, str],
    examples: Sequence[Example],
    no_answer: Mapping[str, float] | None = None,
    threshold: float = answer_scores.PREDICT_ALWAYS,
) -> Scores:
    """Scores answers by the questions' ids, as SQuAD's scripts do: v2.0 where a question has no answer, else v1.1.

    An answer without text says that there is none.

    Args:
        predicted: question id -> answer. v1.1 counts a missing one 0.
        examples: at least one; their targets are `References`.
        no_answer: how probable it is that each question has no answer, as v2.0's script reads it.
        threshold: above which probability no answer is taken as said.

    Raises:
        InputError: an id comes twice, no id is known, or one is missing where there are questions without answer.
    """
    references = {example.id: target_of(example, References).texts for example in examples}
    if len(references) < len(examples):
        twice = Counter(example.id for example in examples).most_common(1)[0][0]
        places = [example.row.place for example in examples if example.id == twice]
        raise InputError(
            f"{places[1]}: the id {twice!r} is also that of {places[0]}", "Give every question an id of its own."
        )
    missing = answer_scores.unanswered(predicted, references)
    if len(missing) == len(references):
        raise InputError(
            f"no prediction has the id of a question (the first question is {missing[0]!r})",
            "Are these predictions for other data? Name the right files.",
        )
    if not any(answer_scores.has_no_answer(texts) for texts in references.values()):
        at = resampled_answers_v1(predicted, references)
        return Scores(answer_scores.scores_v1(predicted, references), at=at)
    unsure = [id for id in references if no_answer is not None and id not in no_answer]
    for ids, what in ((missing, "prediction"), (unsure, "no-answer score")):
        if ids:
            raise InputError(
                f"{len(ids)} of {len(references)} questions have no {what}, the first is {ids[0]!r}",
                "Give every question one; an empty answer says that there is none.",
            )
    at = resampled_answers_v2(predicted, references, no_answer, threshold)
    return Scores(answer_scores.scores_v2(predicted, references, no_answer, threshold), at=at)


def labels(
    problem: Problem | None, results: Sequence[Prediction], examples: Sequence[Example], names: Names = ()
) -> Scores:
    """Labels of texts: one, several, or a number."""
    problem = problem or problem_of(examples)
    if problem == "regression":
        return _numbers(problem, results, examples)
    if problem == "multi-label":
        return _label_sets(results, examples)
    gold = [target_of(example, str) for example in examples]
    predicted = [best_label(result) for result in results]
    _check_common({*gold}, {name for result in results for name in label_scores(result)})
    counts = counts_of(confusion_matrix(gold, predicted))
    return Scores(classification_scores(gold, predicted), counts, at=resampled_labels(gold, predicted))


def _label_sets(results: Sequence[Prediction], examples: Sequence[Example]) -> Scores:
    gold = [tuple(map(str, target_of(example, tuple))) for example in examples]
    scored = [label_scores(result) for result in results]
    predicted = [[label for label, score in one.items() if score >= LIKELY] for one in scored]
    known = {label for one in scored for label in one}
    _check_common({label for some in gold for label in some}, known)
    counts = multi_label_counts(gold, predicted, known)
    at = resampled_label_sets(gold, predicted, known)
    return Scores(multi_label_scores(gold, predicted, known), counts, at=at)


def _numbers(problem: Problem | None, results: Sequence[Prediction], examples: Sequence[Example]) -> Scores:
    gold = [float(target_of(example, float, int)) for example in examples]
    predicted = [number(result, "value") for result in results]
    return Scores(regression_scores(gold, predicted), at=resampled_numbers(gold, predicted))


def similarities(
    problem: Problem | None, results: Sequence[Prediction], examples: Sequence[Example], names: Names = ()
) -> Scores:
    """Scores of another unit are made cosines, where cosines are what was answered."""
    gold = [float(target_of(example, float, int)) for example in examples]
    predicted = [number(result, "value") for result in results]
    if max(map(abs, predicted)) <= LARGEST_COSINE:
        low, high = cosine_range(gold)
        gold = [(score - low) / (high - low) for score in gold]
    return Scores(regression_scores(gold, predicted), at=resampled_numbers(gold, predicted))


def entities_of_words(
    problem: Problem | None, results: Sequence[Prediction], examples: Sequence[Example], names: Names = ()
) -> Scores:
    """Entities, by the tags of words."""
    said = {entity.label for result in results for entity in entities(result)} if names is None else types_of(names)
    _check_types(examples, said)
    gold, predicted = tags_of(results, examples)
    counts = count_entities(gold, predicted)
    return Scores(counts.scores(), counts.types, at=resampled_entities(gold, predicted))


def tags_of(results: Sequence[Prediction], examples: Sequence[Example]) -> tuple[list[list[str]], list[list[str]]]:
    """The right and the predicted tags of each example's words, in IOB2."""
    targets = [target_of(example, Tagged) for example in examples]
    gold = as_iob2([target.tags for target in targets])
    predicted = [tags_of_words(one.words, entities(result)) for one, result in zip(targets, results, strict=True)]
    return gold, predicted


def answers(
    problem: Problem | None, results: Sequence[Prediction], examples: Sequence[Example], names: Names = ()
) -> Scores:
    """Spans of a context, as SQuAD's scripts score them."""
    predicted, no_answer = answers_in(results, examples)
    return score_answers(predicted, examples, no_answer, PREFER_NO_ANSWER)


def answers_in(results: Sequence[Prediction], examples: Sequence[Example]) -> tuple[dict[str, str], dict[str, float]]:
    """The best answer to each question by its id, and how probable it is that there is none rather than that one."""
    predicted: dict[str, str] = {}
    no_answer: dict[str, float] = {}
    for example, result in zip(examples, results, strict=True):
        best = field_of(result, "answers", list)[:1]
        none = number(result, "no_answer_score")
        predicted[example.id], no_answer[example.id] = "", 1.0
        if best:
            answer = Prediction(best[0], result.place)
            either = none + number(answer, "score")
            predicted[example.id] = field_of(answer, "answer", str)
            no_answer[example.id] = none / either if either else PREFER_NO_ANSWER
    return predicted, no_answer


def ranking(
    problem: Problem | None, results: Sequence[Prediction], examples: Sequence[Example], names: Names = ()
) -> Scores:
    """Documents in the order of their scores."""
    columns = query_scores(ranked(results, examples), relevances_of(examples))
    return mean_scores({name: np.array(values) for name, values in columns.items()})


def ranked(results: Sequence[Prediction], examples: Sequence[Example]) -> list[list[float]]:
    """The score of each document of each query; what was not ranked comes last."""
    scores = []
    for result, relevances in zip(results, relevances_of(examples), strict=True):
        found = scored_places(result, "ranking", len(relevances))
        scores.append([found.get(place, float("-inf")) for place in range(len(relevances))])
    return scores


def relevances_of(examples: Sequence[Example]) -> list[list[float]]:
    """How good each document of each query is."""
    return [[float(one) for one in target_of(example, tuple)] for example in examples]


def choices(
    problem: Problem | None, results: Sequence[Prediction], examples: Sequence[Example], names: Names = ()
) -> Scores:
    """One of several choices."""
    right = []
    for result, example in zip(results, examples, strict=True):
        found = scored_places(result, "choices")
        right.append(float(max(found, key=lambda place: found[place]) == target_of(example, int)))
    return mean_scores({"accuracy": np.array(right)})


def mean_scores(columns: Mapping[str, Numbers]) -> Scores:
    """Of metrics that are the mean of what each example has."""
    at = resampled_means(columns)
    examples = len(next(iter(columns.values())))
    return Scores(dict(at(np.arange(examples))), at=at)


def problem_of(examples: Sequence[Example]) -> Problem:
    """Which problem of text-classification the targets pose."""
    target = examples[0].target
    if isinstance(target, str):
        return "single-label"
    return "multi-label" if isinstance(target, tuple) else "regression"


def target_of(example: Example, *kinds: type[Kind]) -> Kind:
    """The target of an example, which is of one of the kinds.

    Raises:
        InputError: it is not.
    """
    if not isinstance(example.target, kinds) or isinstance(example.target, bool):
        raise InputError(
            f"{example.row.place}: the target is {type(example.target).__name__}, not what the task learns",
            "Name the right --task and --problem for this data.",
        )
    return example.target


def _check_types(examples: Sequence[Example], types: Collection[str]) -> None:
    """Refuses examples whose entities are all of other types than those that a model, or a file of answers, has.

    Args:
        examples: of token-classification.
        types: that the answers can have; an empty collection passes.

    Raises:
        InputError: none is the same: they are spelt in two ways.
    """
    tags = as_iob2([target_of(example, Tagged).tags for example in examples])
    _check_common({tag.partition("-")[2] for sentence in tags for tag in sentence} - {""}, types)


def _check_common(gold: Collection[str], predicted: Collection[str]) -> None:
    """Labels that have no name in common are two spellings, and would score 0 without a word."""
    if gold and predicted and not set(gold) & set(predicted):
        raise InputError(
            f"no predicted label is one of the data's: {_some(predicted)} beside {_some(gold)}",
            "Give both the same names: those of the model are in its config.json, id2label.",
        )


def _some(labels: Collection[str]) -> str:
    shown = [repr(label) for label in sorted(labels)[:3]]
    return ", ".join(shown) + (" …" if len(labels) > len(shown) else "")
