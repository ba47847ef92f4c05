"""What much simpler models reach on the same examples, so that a score can be read: is it good, or is the task easy?

| task | baselines |
|---|---|
| text-classification | always the most frequent label (or the mean); TF-IDF with logistic regression (ridge) |
| token-classification | each word has the tag that it has most often in the examples, unknown words none |

Nothing is chosen by the examples that they are scored on: the regression's strength comes from cross-validation inside
the examples that are learnt from.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from bertkit.families.labels import FITTED, Problem
from bertkit.finetuning.linear_model import Array, fit
from bertkit.labelled.examples import Example, Tagged
from bertkit.labelled.label_set import labels_in
from bertkit.metrics.results import Prediction
from bertkit.metrics.task_scores import score_results
from bertkit.metrics.tfidf import TfIdf
from bertkit.tasks.catalogue import find_spec
from bertkit.tasks.entities import group, read_tags
from bertkit.tasks.tag_scheme import OUTSIDE

MOST_EXAMPLES = 20_000  # more do not make such models better, and take their time
MOST_WEIGHTS = 3_000_000  # columns times classes
MAJORITY, TFIDF, TAGS = "always the most frequent", "words counted (TF-IDF)", "each word's most frequent tag"
Record = dict[str, object]


@dataclass(frozen=True, slots=True)
class Baseline:
    """A simple model and its metrics on the held-out examples."""

    name: str
    measures: dict[str, float]


def baselines_of(
    task_name: str, problem: Problem | None, learnt: Sequence[Example], held_out: Sequence[Example], seed: int = 0
) -> list[Baseline]:
    """The baselines of a task, learnt and scored; none of other tasks.

    Args:
        learnt: what may be learnt from.
        held_out: what is scored on.
    """
    spec = find_spec(task_name)
    if spec.baselines is None:
        return []
    answers: dict[str, list[Record]] = spec.load("baselines")(problem, _some(learnt, seed), held_out, seed)
    return [
        Baseline(name, score_results(task_name, problem, _results(records), held_out).metrics)
        for name, records in answers.items()
    ]


def of_texts(
    problem: Problem, learnt: Sequence[Example], held_out: Sequence[Example], seed: int
) -> dict[str, list[Record]]:
    """Records of classifiers of texts that know no language, by their names."""
    labels = sorted({label for one in learnt for label in labels_in(one.target)})
    targets_NC = _targets(problem, labels, learnt)
    majority_C = targets_NC.mean(axis=0)
    return {
        MAJORITY: [_answer(problem, labels, majority_C) for _ in held_out],
        TFIDF: _by_words(problem, labels, targets_NC, learnt, held_out, seed),
    }


def of_words(
    problem: Problem | None, learnt: Sequence[Example], held_out: Sequence[Example], seed: int
) -> dict[str, list[Record]]:
    """Records of what knows each word's most frequent tag."""
    return {TAGS: _usual_tags(learnt, held_out)}


def _by_words(
    problem: Problem,
    labels: Sequence[str],
    targets_NC: Array,
    learnt: Sequence[Example],
    held_out: Sequence[Example],
    seed: int,
) -> list[Record]:
    rows = [_texts(one) for one in learnt]
    words = TfIdf.of(rows, MOST_WEIGHTS // targets_NC.shape[1])
    model = fit(words(rows), targets_NC, FITTED[problem], seed=seed)
    logits_NC = model(words([_texts(one) for one in held_out])).astype(np.float64)
    if problem == "single-label":
        logits_NC = np.exp(logits_NC - logits_NC.max(axis=1, keepdims=True))
        logits_NC /= logits_NC.sum(axis=1, keepdims=True)
    elif problem == "multi-label":
        logits_NC = 0.5 * (1.0 + np.tanh(0.5 * logits_NC))
    return [_answer(problem, labels, scores_C) for scores_C in logits_NC]


def _texts(example: Example) -> list[str]:
    fields = example.row.fields
    return [str(fields[name]) for name in ("text", "text_pair") if fields.get(name) is not None]


def _targets(problem: Problem, labels: Sequence[str], examples: Sequence[Example]) -> Array:
    """A column a label, 0 or 1, or the one number."""
    if problem == "regression":
        return np.array([[one.target] for one in examples], np.float32)
    places = {label: place for place, label in enumerate(labels)}
    targets_NC = np.zeros((len(examples), len(labels)), np.float32)
    for row, one in enumerate(examples):
        targets_NC[row, [places[label] for label in labels_in(one.target)]] = 1.0
    return targets_NC


def _answer(problem: Problem, labels: Sequence[str], scores_C: Iterable[float]) -> Record:
    """A record as `predict` writes it."""
    scores = [float(score) for score in scores_C]
    if problem == "regression":
        return {"value": scores[0]}
    ranked = sorted(zip(labels, scores, strict=True), key=lambda one: -one[1])
    return {"labels": [{"label": label, "score": score} for label, score in ranked]}


def _usual_tags(learnt: Sequence[Example], held_out: Sequence[Example]) -> list[Record]:
    seen: dict[str, Counter[str]] = {}
    for one in learnt:
        for word, tag in zip(_words(one), _tags(one), strict=True):
            seen.setdefault(word, Counter())[tag] += 1
    usual = {word: tags.most_common(1)[0][0] for word, tags in seen.items()}
    known = sorted({tag for tags in seen.values() for tag in tags} | {OUTSIDE})
    meanings = dict(zip(known, read_tags(known), strict=True))
    records: list[Record] = []
    for one in held_out:
        assert isinstance(one.target, Tagged)
        text, places = str(one.row.fields["text"]), one.target.words
        spans = group([meanings[usual.get(word, OUTSIDE)] for word in _words(one)])
        found = [(span.type, places[span.start][0], places[span.stop - 1][1]) for span in spans]
        entities = [
            {"label": type, "score": 1.0, "text": text[start:end], "start": start, "end": end}
            for type, start, end in found
        ]
        records.append({"entities": entities})
    return records


def _words(example: Example) -> list[str]:
    assert isinstance(example.target, Tagged)
    text = str(example.row.fields["text"])
    return [text[start:end] for start, end in example.target.words]


def _tags(example: Example) -> tuple[str, ...]:
    assert isinstance(example.target, Tagged)
    return example.target.tags


def _results(records: Sequence[Record]) -> list[Prediction]:
    return [Prediction(one, f"baseline {number}") for number, one in enumerate(records, 1)]


def _some(examples: Sequence[Example], seed: int) -> Sequence[Example]:
    """All, or as many as are enough, drawn at random."""
    if len(examples) <= MOST_EXAMPLES:
        return examples
    taken = np.random.default_rng(seed).permutation(len(examples))[:MOST_EXAMPLES]
    return [examples[number] for number in sorted(taken)]
