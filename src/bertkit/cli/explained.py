"""An answer's explanation for a person: the words with a bar each, or the heads that matter most."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from bertkit.cli.answers import AnsweredRow
from bertkit.cli.readable import Form
from bertkit.errors import BertkitError
from bertkit.reports.explained_words import in_words
from bertkit.terminal.messages import one_line
from bertkit.terminal.tables import table

BAR_CELLS = 24
SHOWN_WORDS = 24
SHOWN_HEADS = 8
GREEN, RED, PLAIN = "\x1b[32m", "\x1b[31m", "\x1b[0m"
LEAST_COLOURED = 0.2  # of the strongest word
LONGEST_COLOURED = 2_000  # characters


class ExplainedForm:
    """Another form, and below each answer its explanation where it has one.

    Args:
        coloured: show the text, too, its words green and red.
    """

    def __init__(self, form: Form, *, coloured: bool = False) -> None:
        self._form = form
        self._coloured = coloured

    def text(self, number: int, answer: AnsweredRow) -> str:
        text = self._form.text(number, answer)
        if "explanation" not in answer.record:
            return text
        explanation: Any = answer.record["explanation"]
        if not explanation:
            return f"{text}\n     nothing to explain"
        sentence = _coloured(explanation, answer.row.fields) if self._coloured else ""
        return f"{text}\n{sentence}{_block(explanation)}"

    def error(self, number: int, error: BertkitError) -> str:
        return self._form.error(number, error)


def _block(explanation: Mapping[str, Any]) -> str:
    if explanation["kind"] == "heads":
        return (
            f"     heads for {explanation['target']}\n{_heads(explanation['importance'])}\n     {in_words(explanation)}"
        )
    if explanation["kind"] == "rollout":
        return f"     where attention comes from\n{_words(explanation)}\n     {in_words(explanation)}".rstrip()
    change = explanation["target_score"] - explanation["baseline_score"]
    return (
        f"     why {explanation['target']}: its score is {explanation['target_score']:.3f}, "
        f"{change:+.3f} against {explanation['baseline']} for every token\n"
        f"{_words(explanation)}\n     █ speaks for it, ░ against it; "
        f"sum less change: {explanation['delta']:+.2g}, at {explanation['steps']} steps\n     {in_words(explanation)}"
    )


def _coloured(explanation: Mapping[str, Any], fields: Mapping[str, object]) -> str:
    """The text with what speaks for the answer in green and what speaks against it in red; the rest plain."""
    words, text = explanation.get("words", ()), fields.get("text")
    if not isinstance(text, str) or not words or len(text) > LONGEST_COLOURED:
        return ""
    most = max(abs(word["score"]) for word in words) or 1.0
    shown, end = list[str](), 0
    for word in words:
        if word["part"] or abs(word["score"]) < LEAST_COLOURED * most:
            continue
        colour = GREEN if word["score"] > 0 else RED
        shown += [one_line(text[end : word["start"]]), colour, one_line(word["text"]), PLAIN]
        end = word["end"]
    return f"     {''.join([*shown, one_line(text[end:])])}\n"


def _words(explanation: Mapping[str, Any]) -> str:
    """The words in their order; of many, those with the largest scores."""
    words = explanation["words"]
    largest = sorted(range(len(words)), key=lambda place: -abs(words[place]["score"]))
    shown = [(str(words[place]["text"]), float(words[place]["score"])) for place in sorted(largest[:SHOWN_WORDS])]
    if len(words) > SHOWN_WORDS:
        left = sum(words[place]["score"] for place in largest[SHOWN_WORDS:])
        shown.append((f"({len(words) - SHOWN_WORDS} more words)", left))
    most = max((abs(score) for _, score in shown), default=0.0) or 1.0
    rows = [(f"{score:+.4f}", word, _bar(score / most)) for word, score in shown]
    if explanation["kind"] == "rollout":  # most of it as a rule, which would leave the words no bars
        special = sum(explanation["scores"]) - sum(word["score"] for word in words)
        rows.append((f"{special:+.4f}", "(special tokens)", ""))
    return table(("score", "word", ""), rows)


def _bar(share: float) -> str:
    """As long as the share of the largest; of what speaks against the answer, lighter."""
    return ("█" if share >= 0 else "░") * round(abs(share) * BAR_CELLS)


def _heads(importance: Sequence[Sequence[float]]) -> str:
    heads = [(value, step, head) for step, values in enumerate(importance) for head, value in enumerate(values)]
    heads.sort(key=lambda one: -one[0])
    most = heads[0][0] or 1.0
    rows = [(f"{value:.4f}", str(step), str(head), _bar(value / most)) for value, step, head in heads[:SHOWN_HEADS]]
    if len(heads) > SHOWN_HEADS:
        rows.append((f"{heads[-1][0]:.4f}", "…", "…", "the least of all"))
    return table(("importance", "step", "head", ""), rows)
