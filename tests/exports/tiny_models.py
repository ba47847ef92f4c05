"""Folders of tiny random models of every family, with a tokenizer, and rows that their tasks read."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from bertkit.tokenization.tokenizer import Tokenizer
from tests.parity.bert_peer import PIECES
from tests.parity.test_families import CASES, Case, make_peer

WORDS = [f"w{number}" for number in range(89)]
ENDINGS = {
    "text-classification": "ForSequenceClassification",
    "token-classification": "ForTokenClassification",
    "question-answering": "ForQuestionAnswering",
    "multiple-choice": "ForMultipleChoice",
    "fill-mask": "ForMaskedLM",
    "next-sentence-prediction": "ForNextSentencePrediction",
    "feature-extraction": "Model",
}
LONG = " ".join(WORDS[:16])
ROWS: dict[str, list[dict[str, object]]] = {
    "text-classification": [{"text": "w1"}, {"text": LONG}, {"text": "w3 w4", "text_pair": "w5"}],
    "token-classification": [{"text": "w1"}, {"text": LONG}],
    "question-answering": [{"question": "w1 w2", "context": "w3 w4 w5 w6"}, {"question": "w9", "context": LONG}],
    "multiple-choice": [{"text": "w1", "choices": ["w2", "w3 w4 w5", LONG]}],
    "fill-mask": [{"text": "w1 [MASK] w3"}, {"text": f"[MASK] {LONG} [MASK]"}],
    "next-sentence-prediction": [{"text": "w1 w2", "text_pair": "w3"}],
    "feature-extraction": [{"text": "w1"}, {"text": LONG}],
    "sentence-embedding": [{"text": "w1"}, {"text": LONG}],
}


def make_model(case: Case, task: str, folder: Path) -> Path:
    """A model with a head for a task; its words are `w0`, `w1` …"""
    make_peer(case, ENDINGS.get(task, "Model"), folder)
    write_tokenizer(folder)
    return folder


def make_small(task: str, folder: Path) -> Path:
    """The smallest BERT for a task."""
    return make_model(CASES["bert"].variant(num_hidden_layers=1), task, folder)


def write_tokenizer(folder: Path) -> None:
    """A tokenizer of 99 tokens, BERT's, whatever the family: what stands in a `tokenizer.json` is what is done."""
    with tempfile.TemporaryDirectory() as place:
        vocabulary = Path(place) / "vocab.txt"
        vocabulary.write_text("\n".join([*PIECES, *WORDS]) + "\n", encoding="utf-8")
        Tokenizer.load_file(vocabulary).save(folder)


def numbers(record: Any) -> list[float]:
    """All numbers of a record but its counts, in order."""
    if isinstance(record, dict):
        return [one for name, value in record.items() if name != "input_tokens" for one in numbers(value)]
    if isinstance(record, list | tuple):
        return [one for value in record for one in numbers(value)]
    return [float(record)] if isinstance(record, int | float) and not isinstance(record, bool) else []
