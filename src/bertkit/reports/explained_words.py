"""An explanation for a notebook: the words, each the stronger coloured the more it adds; or the heads that matter."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from bertkit.reports.notebook import small_table

FOR, AGAINST = "46,160,67", "218,54,51"  # red, green and blue of what speaks for the answer, and against it
SHOWN_HEADS = 8
NAMED = 2  # words of each side in the closing sentence
WORTH_NAMING = 0.1  # of the strongest word
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
        return f"<p>where attention comes from</p>{_words(explanation['words'])}<p>{escape(in_words(explanation))}</p>"
    change = explanation["target_score"] - explanation["baseline_score"]
    told = f"why {target}: its score is {explanation['target_score']:.3f}, {change:+.3f} against no text"
    legend = " ".join(
        f'<span style="background:rgba({colour},0.60)">speaks {way}</span>'
        for colour, way in ((FOR, "for it"), (AGAINST, "against it"))
    )
    closing = escape(in_words(explanation))
    return f"<p>{escape(told)}</p>{_words(explanation['words'])}<p>{legend}</p><p>{closing}</p>"


def in_words(explanation: Mapping[str, Any]) -> str:
    """What an explanation comes to, as a sentence: empty where it says nothing."""
    target = explanation["target"]
    if explanation["kind"] == "heads":
        heads = [
            (value, step, head) for step, row in enumerate(explanation["importance"]) for head, value in enumerate(row)
        ]
        _, step, head = max(heads)
        return f"For {target} head {head} of step {step} matters most."
    words = explanation["words"]
    most = max((abs(word["score"]) for word in words), default=0.0)
    strong = [word for word in words if abs(word["score"]) > WORTH_NAMING * most]
    strong.sort(key=lambda word: -abs(word["score"]))
    best, worst = ([f"“{word['text']}”" for word in strong if word["score"] * sign > 0][:NAMED] for sign in (1, -1))
    if explanation["kind"] == "rollout":
        return f"Most attention comes from {' and '.join(best)}." if best else ""
    if not best and not worst:
        return f"No word speaks for {target} or against it."
    if not best:
        return f"{_speak(worst)} most against {target}, and no word for it."
    return f"{_speak(best)} most for {target}, {' and '.join(worst) or 'and no word'} against it."


def _speak(words: Sequence[str]) -> str:
    return f"{' and '.join(words)} {'speaks' if len(words) == 1 else 'speak'}"


def _words(words: Sequence[Mapping[str, Any]]) -> str:
    most = max((abs(word["score"]) for word in words), default=0.0) or 1.0
    shown = (
        f'<span title="{word["score"]:+.4f}" style="background:rgba({FOR if word["score"] >= 0 else AGAINST},'
        f'{0.6 * abs(word["score"]) / most:.2f})">{escape(word["text"])}</span>'
        for word in words
    )
    spaced = (
        # Words that touch in the text (a full stop, a part behind a hyphen) touch here.
        html if before is None or (before["part"] == word["part"] and before["end"] == word["start"]) else f" {html}"
        for before, word, html in zip([None, *words], words, shown, strict=False)
    )
    return f"<p>{''.join(spaced)}</p>"


def _heads(caption: str, importance: Sequence[Sequence[float]]) -> str:
    heads = [(value, step, head) for step, values in enumerate(importance) for head, value in enumerate(values)]
    heads.sort(key=lambda one: -one[0])
    rows = [(f"{value:.4f}", str(step), str(head)) for value, step, head in heads[:SHOWN_HEADS]]
    return small_table(caption, ("importance", "layer", "head"), rows)
