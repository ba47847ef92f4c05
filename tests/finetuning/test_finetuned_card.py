from __future__ import annotations

from dataclasses import replace

import pytest
from huggingface_hub import ModelCard

from bertkit.finetuning.finetuned_card import FinetunedFacts, finetuned_card
from bertkit.labelled.shared_texts import Shared

FACTS = FinetunedFacts(
    name="mine",
    task="text-classification",
    labels=("bad", "good"),
    start="the built-in model",
    data={"a.csv": "0" * 64},
    examples=90,
    held_out=10,
    shared=Shared(0, 2, 10, "texts"),
    measures={"accuracy": 0.9},
    intervals={"accuracy": (0.8, 1.0)},
    recipe={"train.epochs": 3},
    step=6,
    steps=9,
    seconds=4.0,
    machine="2 cores",
    energy="Energy: not measured.",
    version="1",
)


def test_what_was_measured_on() -> None:
    card = finetuned_card(FACTS)
    assert "On 10 examples that it did not learn from, at step 6 of 9" in card
    card = finetuned_card(replace(FACTS, shared=Shared(3, 0, 10, "texts")))
    said = "On 10 examples, of which it has learnt from 3 (letter case and white space put aside), at step 6 of 9"
    assert said in card
    assert "did not learn from" not in card


def test_what_was_noted_of_the_data() -> None:
    assert "90 examples.\n\n| file |" in finetuned_card(FACTS)
    card = finetuned_card(replace(FACTS, notes=["a.csv: read so", "labels\nare odd"]))
    assert "90 examples.\n\n- a.csv: read so\n- labels are odd\n\n| file |" in card


@pytest.mark.parametrize("name", ["mine", 'a: "b" - #1', "naïve\u2028", "- yes"])
def test_the_hub_reads_the_results(name: str) -> None:
    measures = {"accuracy": 0.87654, "f1_macro": 0.5, "loss": float("nan")}
    data = ModelCard(finetuned_card(replace(FACTS, name=name, data={name: "0" * 64}, measures=measures))).data
    assert data.model_name == name
    said = [(one.task_type, one.dataset_type, one.metric_type, one.metric_value) for one in data.eval_results or []]
    assert said == [(FACTS.task, name, "accuracy", 0.8765), (FACTS.task, name, "f1_macro", 0.5)]


def test_without_measures_there_are_no_results() -> None:
    assert ModelCard(finetuned_card(replace(FACTS, measures={}))).data.eval_results is None
