"""Each example beside its answer: what is right, what was said, and how wrong that is."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from bertkit.families.labels import Problem
from bertkit.labelled.examples import Example, References, Tagged
from bertkit.metrics.answer_scores import has_no_answer, overlap_f1_or_none
from bertkit.metrics.classification_scores import ranks
from bertkit.metrics.entity_faults import EntityMarks, marks_of
from bertkit.metrics.ranking_scores import query_scores
from bertkit.metrics.results import Prediction, label_scores, number, scored_places
from bertkit.metrics.task_scores import (
    LIKELY,
    PREFER_NO_ANSWER,
    answers_in,
    problem_of,
    ranked,
    relevances_of,
    tags_of,
    target_of,
)
from bertkit.tasks.catalogue import find_spec
from bertkit.tasks.entities import Span, group, read_tags

LEAST_PROBABILITY = 1e-12
ASKED = ("text", "text_pair", "question", "context", "query", "documents", "choices", "candidate_labels")


@dataclass(frozen=True, slots=True)
class AnswerAnalysis:
    """How wrong an answer is.

    Attributes:
        right, said: what should have been said and what was, in words.
        error: 0 where it is right.
        loss: what tells the worse mistake of two: higher where the model was surer.
        marks: where in the text entities are; None of other answers.
    """

    right: str
    said: str
    error: float
    loss: float
    marks: EntityMarks | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AnalysedExample(AnswerAnalysis):
    """An example beside its answer.

    Attributes:
        place: where the example stands, e.g. `test.csv:12`.
        asked: the texts that the task read, by the names of their fields.
        words: of all of them, between white space.
        tokens: that the model read; None where its record does not say.
    """

    place: str
    asked: Mapping[str, str]
    words: int
    tokens: int | None

    def record(self) -> dict[str, object]:
        """The mistake as JSON values."""
        about = {"place": self.place, **self.asked, "right": self.right, "said": self.said}
        return {**about, "error": self.error, "loss": self.loss}


def analyse_records(
    task: str, problem: Problem | None, results: Sequence[Prediction], examples: Sequence[Example]
) -> list[AnalysedExample]:
    """Every example beside its record; all of them can be scored."""
    errors = find_spec(task).load("errors")(problem, results, examples)
    tokens = [result.record.get("input_tokens") for result in results]
    return [_analysed(*one) for one in zip(examples, errors, tokens, strict=True)]


def analyse_answers(predicted: Mapping[str, str], examples: Sequence[Example]) -> list[AnalysedExample]:
    """Every question beside its answer by its id; one without an answer says that there is none."""
    return [_analysed(example, _answer(predicted.get(example.id, ""), 1.0, example), None) for example in examples]


def worst(analysed: Sequence[AnalysedExample], most: int) -> list[AnalysedExample]:
    """The worst mistakes, the worst first."""
    wrong = [one for one in analysed if one.error > 0]
    return sorted(wrong, key=lambda one: -one.loss)[:most]


def what_errors_are(task: str, problem: Problem | None) -> str:
    """What the mean of `AnswerAnalysis.error` is, in words."""
    error = find_spec(task).error
    return error[problem] if problem in error else error[None]


def _analysed(example: Example, found: AnswerAnalysis, tokens: object) -> AnalysedExample:
    fields = {name: example.row.fields[name] for name in ASKED if example.row.fields.get(name) is not None}
    asked = {
        name: " | ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
        for name, value in fields.items()
    }
    words = sum(len(text.split()) for text in asked.values())
    return AnalysedExample(
        right=found.right,
        said=found.said,
        error=found.error,
        loss=found.loss,
        marks=found.marks,
        place=example.row.place,
        asked=asked,
        words=words,
        tokens=tokens if isinstance(tokens, int) else None,
    )


def labels(problem: Problem | None, results: Sequence[Prediction], examples: Sequence[Example]) -> list[AnswerAnalysis]:
    """Labels of texts: one, several, or a number."""
    problem = problem or problem_of(examples)
    if problem == "regression":
        return _numbers(problem, results, examples)
    one = _label if problem == "single-label" else _label_set
    return [one(label_scores(result), example) for result, example in zip(results, examples, strict=True)]


def _label(scores: Mapping[str, float], example: Example) -> AnswerAnalysis:
    right = target_of(example, str)
    best = max(scores, key=lambda label: scores[label])
    return AnswerAnalysis(
        right, f"{best} ({scores[best]:.3f})", float(best != right), _surprise(scores.get(right, 0.0))
    )


def _label_set(scores: Mapping[str, float], example: Example) -> AnswerAnalysis:
    right = [str(label) for label in target_of(example, tuple)]
    said = [label for label, score in scores.items() if score >= LIKELY]
    loss = sum(_surprise(scores.get(label, 0.0)) for label in right)
    loss += sum(_surprise(1 - score) for label, score in scores.items() if label not in right)
    shown = ", ".join(f"{label} ({scores[label]:.3f})" for label in said)
    return AnswerAnalysis(", ".join(right) or "none", shown or "none", float(set(said) != set(right)), loss)


def _numbers(
    problem: Problem | None, results: Sequence[Prediction], examples: Sequence[Example]
) -> list[AnswerAnalysis]:
    return [
        AnswerAnalysis(f"{right:g}", f"{said:.4g}", abs(said - right), abs(said - right))
        for right, said in _right_and_said(results, examples)
    ]


def similarities(
    problem: Problem | None, results: Sequence[Prediction], examples: Sequence[Example]
) -> list[AnswerAnalysis]:
    """A cosine and a score have different units, so that their ranks are compared."""
    pairs = _right_and_said(results, examples)
    right_N, said_N = (ranks(np.array(values)) for values in zip(*pairs, strict=True))
    apart = (np.abs(right_N - said_N) / len(pairs)).tolist()
    return [
        AnswerAnalysis(f"{right:g}", f"{said:.4g}", gap, gap) for (right, said), gap in zip(pairs, apart, strict=True)
    ]


def _right_and_said(results: Sequence[Prediction], examples: Sequence[Example]) -> list[tuple[float, float]]:
    return [
        (float(target_of(example, float, int)), number(result, "value"))
        for result, example in zip(results, examples, strict=True)
    ]


def entities_of_words(
    problem: Problem | None, results: Sequence[Prediction], examples: Sequence[Example]
) -> list[AnswerAnalysis]:
    """Entities, by the tags of words."""
    errors = []
    for example, gold, predicted in zip(examples, *tags_of(results, examples), strict=True):
        right, said = ({*group(read_tags(tags))} for tags in (gold, predicted))
        wrong, marks = len(right ^ said), marks_of(right, said, target_of(example, Tagged).words)
        shown = _spans(example, right), _spans(example, said)
        errors.append(AnswerAnalysis(*shown, float(wrong > 0), float(wrong), marks))
    return errors


def _spans(example: Example, spans: set[Span]) -> str:
    text, words = str(example.row.fields["text"]), target_of(example, Tagged).words
    in_order = sorted(spans, key=lambda span: span.start)
    named = [f"{text[words[span.start][0] : words[span.stop - 1][1]]} ({span.type})" for span in in_order]
    return ", ".join(named) or "none"


def answers(
    problem: Problem | None, results: Sequence[Prediction], examples: Sequence[Example]
) -> list[AnswerAnalysis]:
    """Spans of a context, as SQuAD's scripts score them."""
    predicted, no_answer = answers_in(results, examples)
    may_refuse = any(has_no_answer(target_of(one, References).texts) for one in examples)  # SQuAD v2.0, not v1.1
    errors = []
    for example in examples:
        none = no_answer[example.id]
        refuses = may_refuse and none > PREFER_NO_ANSWER
        errors.append(_answer("" if refuses else predicted[example.id], none if refuses else 1 - none, example))
    return errors


def _answer(predicted: str, sureness: float, example: Example) -> AnswerAnalysis:
    """How wrong an answer is, an empty one saying that there is none."""
    right = target_of(example, References).texts
    error = 1 - max(overlap_f1_or_none(predicted, one) for one in right or ("",))
    shown = " | ".join(dict.fromkeys(filter(None, right)))
    return AnswerAnalysis(shown or "no answer", predicted or "no answer", error, error * sureness)


def ranking(
    problem: Problem | None, results: Sequence[Prediction], examples: Sequence[Example]
) -> list[AnswerAnalysis]:
    """Documents in the order of their scores."""
    scores, relevances = ranked(results, examples), relevances_of(examples)
    gains = query_scores(scores, relevances)["ndcg_at_10"]
    errors = []
    for found, wanted, gain in zip(scores, relevances, gains, strict=True):
        best, first = (max(range(len(some)), key=some.__getitem__) for some in (wanted, found))
        errors.append(AnswerAnalysis(f"document {best} first", f"document {first} first", 1 - gain, 1 - gain))
    return errors


def choices(
    problem: Problem | None, results: Sequence[Prediction], examples: Sequence[Example]
) -> list[AnswerAnalysis]:
    """One of several choices."""
    errors = []
    for result, example in zip(results, examples, strict=True):
        scores, right = scored_places(result, "choices"), target_of(example, int)
        best = max(scores, key=lambda place: scores[place])
        said = f"choice {best} ({scores[best]:.3f})"
        errors.append(AnswerAnalysis(f"choice {right}", said, float(best != right), _surprise(scores.get(right, 0.0))))
    return errors


def _surprise(probability: float) -> float:
    """How unlikely what happened was said to be, in nats."""
    return -math.log(max(probability, LEAST_PROBABILITY))
