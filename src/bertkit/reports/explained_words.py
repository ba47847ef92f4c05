"""An explanation for a notebook: the words, each the stronger coloured the more it adds; or the heads that matter."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from bertkit.reports.notebook import small_table

FOR, AGAINST = "46,160,67", "218,54,51"  # red, green and blue of what speaks for the answer, and against it
SHOWN_HEADS = 8
NOTHING = "<p>nothing to explain</p>"


def explained_html(number: int, answer: str, explanation: Mapping[str, Any] | None) -> str:
    """One answer and why.

    Args:
        answer: in words.
        explanation: its record; None where the answer has nothing to explain.
    """
    why = NOTHING if explanation is None else _explanation(explanation)
    return f"<div><p>{number}. {escape(answer)}</p>{why}</div>"


def _explanation(explanation: Mapping[str, Any]) -> str:
    kind, target = explanation["kind"], explanation["target"]
    if kind == "heads":
        return _heads(f"heads for {target}", explanation["importance"])
    if kind == "rollout":
        return f"<p>where attention comes from</p>{_words(explanation['words'])}"
    change = explanation["target_score"] - explanation["baseline_score"]
    told = f"why {target}: its score is {explanation['target_score']:.3f}, {change:+.3f} against no text"
    return f"<p>{escape(told)}</p>{_words(explanation['words'])}"


def _words(words: Sequence[Mapping[str, Any]]) -> str:
    most = max((abs(word["score"]) for word in words), default=0.0) or 1.0
    shown = (
        f'<span title="{word["score"]:+.4f}" style="background:rgba({FOR if word["score"] >= 0 else AGAINST},'
        f'{0.6 * abs(word["score"]) / most:.2f})">{escape(word["text"])}</span>'
        for word in words
    )
    return f"<p>{' '.join(shown)}</p>"


def _heads(caption: str, importance: Sequence[Sequence[float]]) -> str:
    heads = [(value, step, head) for step, values in enumerate(importance) for head, value in enumerate(values)]
    heads.sort(key=lambda one: -one[0])
    rows = [(f"{value:.4f}", str(step), str(head)) for value, step, head in heads[:SHOWN_HEADS]]
    return small_table(caption, ("importance", "layer", "head"), rows)
