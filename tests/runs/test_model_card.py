from __future__ import annotations

import ast
import re
from dataclasses import replace

from bertkit.runs.model_card import CardFacts, model_card

FACTS = CardFacts(
    name="mini",
    family="bert",
    architecture="BertForPreTraining",
    mask="[MASK]",
    parameters=11_170_560,
    encoder={"width": 256, "activation": "a|b"},
    manifest_sha256s=["abc", "def"],
    data_tokens=1_234_567,
    documents=4321,
    recipe={"data.length": 128, "train.optimiser.name": "adamw"},
    steps=1000,
    trained_tokens=32_768_000,
    held_out={"loss": 2.5, "fill-mask/accuracy": 0.4},
    machines=["2 x cpu", "2 x cpu", "8 x cuda"],
    seconds=5400.0,
    version="0.1",
)


def test_it_says_what_where_from_how_and_how_well() -> None:
    card = model_card(FACTS)
    assert card.startswith("---\nlibrary_name: transformers\ntags:\n- bertkit\n- bert\n---\n\n# mini\n")
    for part in (
        *("11,170,560 parameters", "1,000 steps on 32,768,000 tokens", "| width | 256 |", "| data.length | 128 |"),
        *("4,321 documents of 1,234,567 tokens", "Fingerprints of the shards (sha256): `abc`, `def`."),
        *("| fill-mask/accuracy | 0.4000 |", "1.50 hours of training on 2 x cpu; 8 x cuda."),
    ):
        assert part in card


def test_its_programs_are_programs() -> None:
    ours, theirs = re.findall(r"```python\n(.*?)```", model_card(FACTS), re.DOTALL)
    assert 'bertkit.load("FOLDER", task="fill-mask")' in ours
    assert "[MASK]" in ours
    assert "BertForPreTraining.from_pretrained" in theirs
    for program in (ours, theirs):
        ast.parse(program)


def test_a_model_that_fills_no_masks_is_not_asked_to() -> None:
    card = model_card(replace(FACTS, mask=None))
    assert "--task feature-extraction" in card
    assert 'fill-mask"' not in card


def test_without_held_out_data_it_says_so() -> None:
    assert "No data was held out" in model_card(replace(FACTS, held_out={}))


def test_a_value_does_not_break_its_table() -> None:
    assert "| activation | a\\|b |" in model_card(FACTS)
