"""The quickstart's part on tasks: what the models in the package say of real text, each without being named."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

Record = Mapping[str, Any]

SENTENCE = "Ada Lovelace was born in London and wrote notes on a machine that Charles Babbage had designed."
REVIEWS = (
    "A warm and funny film that never drags.",
    "Slow, confusing and a waste of an evening.",
)  # as it has learnt from
MASKED = "The band released its first [MASK] in 1994."
QUESTION = {"question": "Who designed the machine?", "context": SENTENCE}


def show_tasks() -> None:
    """Answers for the tasks that there are default models for, each below its name."""
    from bertkit.inference.model import load

    asked: tuple[tuple[str, Sequence[str | Record], Callable[[Record], str]], ...] = (
        ("text-classification", REVIEWS, _label),
        ("token-classification", (SENTENCE,), _entities),
        ("question-answering", (QUESTION,), _answer),
        ("fill-mask", (MASKED,), _fillings),
    )
    print("\nOther tasks, with what was trained for them here (`bertkit predict --task TASK` without -m)")
    for task, rows, told in asked:
        model = load(task=task)
        for row, result in zip(rows, model.predict(list(rows)), strict=True):
            print(f"  {task:<21} {_asked(row)}\n  {'':<21} -> {told(result.record())}")


def _asked(row: str | Record) -> str:
    return row if isinstance(row, str) else f"{row['question']} ({row['context']})"


def _answer(record: Record) -> str:
    best = record["answers"][0]
    return f"{best['answer']} ({best['score']:.2f})"


def _label(record: Record) -> str:
    best = record["labels"][0]
    return f"{best['label']} ({best['score']:.2f})"


def _entities(record: Record) -> str:
    return ", ".join(f"{entity['text']} ({entity['label']})" for entity in record["entities"]) or "no entities"


def _fillings(record: Record) -> str:
    return ", ".join(f"{one['token']} ({one['score']:.2f})" for one in record["fills"][0][:5])
