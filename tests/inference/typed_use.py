"""What a type checker knows of answers: mypy reads this file with the sources (`files` in pyproject.toml)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Literal, assert_type

import bertkit
from bertkit.inference.pipeline import Failure
from bertkit.tasks.contract import Result
from bertkit.tasks.feature_extraction import TokenVectors
from bertkit.tasks.fill_mask import Fills
from bertkit.tasks.multiple_choice import Choices
from bertkit.tasks.next_sentence_prediction import IsNext
from bertkit.tasks.question_answering import Answers
from bertkit.tasks.scoring import Labels
from bertkit.tasks.sentence_embedding import Embedding
from bertkit.tasks.text_classification import Value
from bertkit.tasks.text_ranking import Ranking
from bertkit.tasks.token_classification import Entities


def a_task_says_what_is_answered(name: str | None) -> None:
    assert_type(bertkit.load(task="sentence-embedding").predict("a"), Embedding)
    assert_type(bertkit.load(task="feature-extraction").predict("a"), TokenVectors)
    assert_type(bertkit.load("m", task="text-classification").predict("a"), Labels | Value)
    assert_type(bertkit.load("m", task="zero-shot-classification").predict(("a", ["b", "c"])), Labels)
    assert_type(bertkit.load("m", task="token-classification").predict("a"), Entities)
    assert_type(bertkit.load("m", task="question-answering").predict(("a", "b")), Answers)
    assert_type(bertkit.load("m", task="text-ranking").predict({"query": "a", "documents": ["b"]}), Ranking)
    assert_type(bertkit.load("m", task="multiple-choice").predict({"text": "a", "choices": ["b"]}), Choices)
    assert_type(bertkit.load("m", task="fill-mask", top_k=3, dtype="float32").predict("a"), Fills)
    assert_type(bertkit.load("m", task="next-sentence-prediction", device="cpu").predict(("a", "b")), IsNext)
    assert_type(bertkit.load("m").predict("a"), Result)
    assert_type(bertkit.load("m", task=name, top_k=3).predict("a"), Result)


def one_row_has_one_answer_and_several_a_list(model: bertkit.Model[Embedding], rows: Iterable[str], table: Any) -> None:
    assert_type(model.predict("a"), Embedding)
    assert_type(model.predict({"text": "a", "n": 5}), Embedding)
    assert_type(model.predict(["a", "b"]), list[Embedding])
    assert_type(model.predict(rows), list[Embedding])
    assert_type(model.predict(text for text in rows), list[Embedding])
    assert_type(model.predict([("a", "b"), ("c", "d")]), list[Embedding])
    assert_type(model.predict([{"text": "a"}]), list[Embedding])
    assert_type(model.predict(rows, on_error="record"), list[Embedding | Failure])
    assert_type(model.predict("a", on_error="record"), Embedding | Failure)


def streams(model: bertkit.Model[Fills], rows: Iterable[str], on_error: Literal["stop", "record"]) -> None:
    assert_type(model.stream(rows), Iterator[Fills])
    assert_type(model.stream(rows, on_error="record"), Iterator[Fills | Failure])
    assert_type(model.stream(rows, on_error=on_error), Iterator[Fills | Failure])


def any_model_is_a_model(model: bertkit.Model) -> bertkit.Model[Result]:
    return model if model.predict("a") else bertkit.load(task="sentence-embedding")


def what_is_no_row_is_refused(model: bertkit.Model) -> None:
    model.predict(5)  # type: ignore[call-overload]
    model.predict(None)  # type: ignore[call-overload]
    model.predict([5])  # type: ignore[list-item]
    model.predict("a", on_error="ignore")  # type: ignore[call-overload]
    bertkit.load(batch_tokens="5")  # type: ignore[call-overload]
