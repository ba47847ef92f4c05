"""The quickstart's part on tasks: what the models in the package say of real text, each without being named."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

Record = Mapping[str, Any]
Row = str | Mapping[str, str]

SENTENCE = "Ada Lovelace was born in London and wrote notes on a machine that Charles Babbage had designed."
REVIEWS = ("It runs in seconds and just works.", "Slow, confusing and a waste of an afternoon.")
MASKED = "The city is the capital of the [MASK] of france."


def show_tasks(question: str, passage: str) -> None:
    """Answers for four tasks with the default models, each after its command.

    Args:
        question, passage: what the search was asked, and the best that it found.
    """
    from bertkit.inference.model import load

    asked: list[tuple[str, list[Row], Callable[[Record], str]]] = [
        ("text-classification", list(REVIEWS), _label),
        ("token-classification", [SENTENCE], _entities),
        ("question-answering", [{"question": question, "context": passage}], _answer),
        ("fill-mask", [MASKED], _fillings),
    ]
    print("\nOther tasks, with what was trained for them here (`bertkit predict --task TASK` without -m)")
    for task, rows, told in asked:
        model = load(task=task, long="window")
        for row, result in zip(rows, model.predict(rows), strict=True):
            text = row if isinstance(row, str) else f"{row['question']} (asked of the best passage above)"
            print(f"  {task:<21} {text}\n  {'':<21} -> {told(result.record())}")


def _label(record: Record) -> str:
    best = record["labels"][0]
    return f"{best['label']} ({best['score']:.2f})"


def _entities(record: Record) -> str:
    return ", ".join(f"{entity['text']} ({entity['label']})" for entity in record["entities"]) or "no entities"


def _answer(record: Record) -> str:
    best = record["answers"][0] if record["answers"] else {"answer": "", "score": 0.0}
    if record["no_answer_score"] > best["score"]:
        return f"no answer there ({record['no_answer_score']:.2f})"
    return f"{best['answer']} ({best['score']:.2f})"


def _fillings(record: Record) -> str:
    return ", ".join(f"{one['token']} ({one['score']:.2f})" for one in record["fills"][0][:5])
