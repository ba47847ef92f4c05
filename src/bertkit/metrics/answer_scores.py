"""Scores of answers to questions, as the official scripts of SQuAD v1.1 (Rajpurkar et al. 2016) and v2.0 (2018) count.

All are percentages but thresholds. Of several right answers the one that a prediction comes nearest to counts.
"""

from __future__ import annotations

import re
import string
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

ARTICLES = re.compile(r"\b(a|an|the)\b")
NO_PUNCTUATION = str.maketrans("", "", string.punctuation)
PREDICT_ALWAYS = 1.0  # a probability is never above it

Answers = Mapping[str, str]  # question id -> predicted answer; an empty one says that there is none
References = Mapping[str, Sequence[str]]  # question id -> its right answers; none where the context has no answer


def normalise(answer: str) -> str:
    """Lower case, without ASCII punctuation and English articles, one space between words."""
    return " ".join(ARTICLES.sub(" ", answer.lower().translate(NO_PUNCTUATION)).split())


def exact_match(predicted: str, right: str) -> float:
    """1 where both are the same once normalised, else 0."""
    return float(normalise(predicted) == normalise(right))


def overlap_f1(predicted: str, right: str) -> float:
    """F1 of the words that both share, as v1.1 has it: 0 where they share none, were both empty."""
    predicted_words, right_words = normalise(predicted).split(), normalise(right).split()
    shared = sum((Counter(predicted_words) & Counter(right_words)).values())
    if not shared:
        return 0.0
    precision, recall = shared / len(predicted_words), shared / len(right_words)
    return 2 * precision * recall / (precision + recall)


def overlap_f1_or_none(predicted: str, right: str) -> float:
    """As `overlap_f1`, but v2.0's: where either has no words, 1 if the other has none as well."""
    if not normalise(predicted) or not normalise(right):
        return exact_match(predicted, right)
    return overlap_f1(predicted, right)


def has_no_answer(right: Sequence[str]) -> bool:
    """Whether a question has no answer: none is given, or only such without text, as some files of v2.0 write it."""
    return not any(map(str.strip, right))


def unanswered(predicted: Answers, references: References) -> list[str]:
    """The questions without a prediction."""
    return [id for id in references if id not in predicted]


def scores_v1(predicted: Answers, references: References) -> dict[str, float]:
    """`exact_match` and `f1` of SQuAD v1.1. A question without a prediction counts 0 (`unanswered` lists them).

    Args:
        references: at least one question; each has a right answer.
    """
    exact, f1 = question_scores_v1(predicted, references)
    return {"exact_match": _percentage(exact.values()), "f1": _percentage(f1.values())}


def question_scores_v1(predicted: Answers, references: References) -> tuple[dict[str, float], dict[str, float]]:
    """Each question's exact match and F1 of SQuAD v1.1, fractions."""
    exact, f1 = (
        {id: _best(score, predicted[id], right) if id in predicted else 0.0 for id, right in references.items()}
        for score in (exact_match, overlap_f1)
    )
    return exact, f1


def question_scores_v2(predicted: Answers, references: References) -> tuple[dict[str, float], dict[str, float]]:
    """Each question's exact match and F1 of SQuAD v2.0, fractions, answered as predicted."""
    right = {id: [one for one in texts if normalise(one)] or [""] for id, texts in references.items()}
    exact, f1 = (
        {id: _best(score, predicted[id], texts) for id, texts in right.items()}
        for score in (exact_match, overlap_f1_or_none)
    )
    return exact, f1


def refusing(
    scores: Mapping[str, float], references: References, no_answer: Mapping[str, float], threshold: float
) -> dict[str, float]:
    """The questions' scores where no answer is taken as said above the threshold."""
    return {**scores, **{id: float(has_no_answer(references[id])) for id in scores if no_answer[id] > threshold}}


def scores_v2(
    predicted: Answers,
    references: References,
    no_answer: Mapping[str, float] | None = None,
    threshold: float = PREDICT_ALWAYS,
) -> dict[str, float]:
    """The scores of SQuAD v2.0, where some questions have no answer and an empty prediction says so.

    `exact_match` and `f1`; the same over the questions that have an answer, `HasAns_exact` and `HasAns_f1`, and over
    those that have none, `NoAns_exact` and `NoAns_f1`, where there are such. With `no_answer` also the best that any
    threshold reaches on these very questions: `best_exact`, `best_exact_thresh`, `best_f1`, `best_f1_thresh`.

    Args:
        predicted: of every question; the script fails where one is missing.
        references: at least one question.
        no_answer: how probable it is that each question has no answer.
        threshold: above which probability no answer is taken as said, whatever `predicted` has.
    """
    answerable = [id for id, texts in references.items() if texts]
    unanswerable = [id for id, texts in references.items() if not texts]
    raw_exact, raw_f1 = question_scores_v2(predicted, references)
    exact, f1 = raw_exact, raw_f1
    if no_answer is not None:
        exact, f1 = (refusing(raw, references, no_answer, threshold) for raw in (raw_exact, raw_f1))
    scores = {"exact_match": _percentage(exact.values()), "f1": _percentage(f1.values())}
    for name, ids in (("HasAns", answerable), ("NoAns", unanswerable)):
        if ids:
            scores[f"{name}_exact"] = _percentage([exact[id] for id in ids])
            scores[f"{name}_f1"] = _percentage([f1[id] for id in ids])
    if no_answer is not None:
        for name, raw in (("exact", raw_exact), ("f1", raw_f1)):
            scores[f"best_{name}"], scores[f"best_{name}_thresh"] = best_threshold(
                raw, predicted, answerable, no_answer
            )
    return scores


def best_threshold(
    scores: Mapping[str, float], predicted: Answers, answerable: Iterable[str], no_answer: Mapping[str, float]
) -> tuple[float, float]:
    """The highest score that a threshold reaches, in percent, and the lowest such threshold.

    Questions are let answer one by one, the least probable to have no answer first, as the script does.

    Args:
        scores: of each question if it is answered as predicted.
        answerable: the questions that have an answer.
    """
    has_answer = set(answerable)
    best = reached = float(len(scores.keys() - has_answer))  # nothing is answered
    threshold = 0.0
    for id in by_no_answer(no_answer, scores):
        if id in has_answer:
            reached += scores[id]
        elif predicted[id]:
            reached -= 1
        if reached > best:
            best, threshold = reached, no_answer[id]
    return 100 * best / len(scores), threshold


def by_no_answer(no_answer: Mapping[str, float], questions: Collection[str]) -> list[str]:
    """The questions, the least probable to have no answer first."""
    return sorted((id for id in no_answer if id in questions), key=lambda id: no_answer[id])


def _best(score: Callable[[str, str], float], predicted: str, right: Sequence[str]) -> float:
    return max(score(predicted, one) for one in right)


def _percentage(scores: Iterable[float]) -> float:
    values = list(scores)
    return 100 * sum(values) / len(values)
