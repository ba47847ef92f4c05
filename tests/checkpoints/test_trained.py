"""What was trained here and is in the package: found without a name, small, and of some use."""

from __future__ import annotations

import pytest

from bertkit.checkpoints.embedded import embedded_folder, is_embedded
from bertkit.inference.model import load
from bertkit.pretrained.loading import find_folder
from bertkit.tasks.catalogue import tasks_with
from bertkit.tasks.contract import Result

MOST_BYTES = {"mini": 24e6, "sentiment": 4e6, "entities": 4e6, "questions": 4e6}


@pytest.mark.parametrize("task", tasks_with("model"))
def test_every_part_is_small_and_has_a_card(task: str) -> None:
    folder = find_folder(None, task=task)
    assert sum(file.stat().st_size for file in folder.iterdir()) < MOST_BYTES[folder.name]
    card = (folder / "README.md").read_text(encoding="utf-8")
    assert "licence" in card
    assert "/tmp" not in card
    assert is_embedded(folder)


def test_other_tasks_have_the_default_model() -> None:
    assert find_folder(None, task="sentence-embedding") == embedded_folder()
    assert is_embedded(embedded_folder())


def labels(results: list[Result]) -> list[object]:
    return [result.record()["labels"][0]["label"] for result in results]  # type: ignore[index]


def test_sentiment() -> None:
    texts = ["A warm, funny and wonderful film.", "It is a dull, lifeless mess."]
    assert labels(load(task="text-classification").predict(texts)) == ["positive", "negative"]


def test_entities() -> None:
    (result,) = load(task="token-classification").predict(["John Smith lives in London."])
    found = {(one["text"], one["label"]) for one in result.record()["entities"]}  # type: ignore[attr-defined]
    assert {("John Smith", "PER"), ("London", "LOC")} <= found


def test_questions() -> None:
    context = "Ada Lovelace was born in London in 1815. She wrote notes on a machine that Charles Babbage had designed."
    asked = ("Who designed the machine?", "Where was Ada Lovelace born?", "When was Ada Lovelace born?")
    results = load(task="question-answering").predict({"question": one, "context": context} for one in asked)
    found = [result.record()["answers"][0]["answer"] for result in results]  # type: ignore[index]
    assert found == ["Charles Babbage", "London", "1815"]


def test_masks_are_filled_by_what_text_has_there() -> None:
    (result,) = load(task="fill-mask", top_k=20).predict(["he was born in [MASK] and died in london."])
    words = {fill["token"] for fill in result.record()["fills"][0]}  # type: ignore[index]
    assert words & {"london", "paris", "england", "new", "scotland", "1900"}
    (result,) = load(task="fill-mask").predict(["She studied physics at the [MASK] of Cambridge."])
    assert result.record()["fills"][0][0]["token"] == "university"  # type: ignore[index]


def test_next_sentences() -> None:
    model = load(task="next-sentence-prediction")
    pairs = [
        ("The band recorded its first album in 1994.", "The album was released in the same year."),
        ("The band recorded its first album in 1994.", "The species is found in the rivers of northern China."),
    ]
    near, far = (result.record()["is_next"] for result in model.predict(pairs))
    assert near > far  # type: ignore[operator]
