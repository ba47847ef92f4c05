from __future__ import annotations

from collections.abc import Mapping

import pytest

from bertkit.formats.rows import Row
from bertkit.labelled.examples import Example, Target
from bertkit.labelled.shared_texts import shared_texts


def examples(*rows: Mapping[str, object], target: Target = "x") -> list[Example]:
    return [Example(Row(row, f"a:{n}"), target, str(n)) for n, row in enumerate(rows)]


def pair(first: str, second: str) -> dict[str, object]:
    return {"text": first, "text_pair": second}


QUESTION = {"question": "Who?", "context": "Ada slept."}
CHOICE = {"text": "He ate", "choices": ["soup", "a chair"]}
FOLDED = "(letter case and white space put aside)"


@pytest.mark.parametrize(
    ("train", "held_out", "said"),
    [
        ({"text": "good film"}, {"text": "bad film"}, []),
        ({"text": "good film"}, {"text": " Good  film"}, ["1 of 1 texts to measure on are also learnt from"]),
        ({"text": "good film"}, {"text": "good film."}, []),
        (pair("a", "b"), pair("A", "b"), ["1 of 1 pairs to measure on are also learnt from"]),
        (pair("a", "b"), pair("b", "a"), ["1 of 1 pairs to measure on share a text with what is learnt from"]),
        (pair("a", "b"), pair("a", "c"), ["1 of 1 pairs to measure on share a text with what is learnt from"]),
        (pair("a", "b"), pair("c", "d"), []),
        (QUESTION, QUESTION, ["1 of 1 questions to measure on are also learnt from"]),
        (
            QUESTION,
            QUESTION | {"question": "When?"},
            ["1 of 1 questions to measure on share a context with what is learnt from"],
        ),
        (QUESTION, QUESTION | {"context": "Bob slept."}, []),
        (
            {"query": "q", "documents": ["a"]},
            {"query": "Q", "documents": ["b"]},
            ["1 of 1 queries to measure on are also learnt from"],
        ),
        (CHOICE, CHOICE, ["1 of 1 texts to measure on are also learnt from"]),
        (CHOICE, CHOICE | {"choices": ["soup", "bread"]}, []),
    ],
)
def test_what_is_measured_on_and_learnt_from(
    train: Mapping[str, object], held_out: Mapping[str, object], said: list[str]
) -> None:
    found = shared_texts(examples(train), examples(held_out))
    assert list(found.in_words()) == [f"{line} {FOLDED}" for line in said]


@pytest.mark.parametrize("target", [None, 0.5])
def test_of_pairs_for_embeddings_the_order_says_nothing(target: float | None) -> None:
    found = shared_texts(examples(pair("a", "b"), target=target), examples(pair("b", "a"), target=target))
    assert (found.examples, found.parts, found.of) == (1, 0, 1)


def test_examples_are_counted_and_not_texts() -> None:
    found = shared_texts(examples({"text": "a"}, {"text": "a"}), examples({"text": "a"}, {"text": "a"}, {"text": "b"}))
    assert (found.examples, found.of) == (2, 3)
