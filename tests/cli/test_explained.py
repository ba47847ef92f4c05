from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable, Iterator
from types import ModuleType
from typing import Any

import pytest

from bertkit.cli.answers import AnsweredRow
from bertkit.cli.explained import GREEN, PLAIN, RED, SHOWN_HEADS, SHOWN_WORDS, ExplainedForm
from bertkit.errors import BertkitError, InputError
from bertkit.formats.rows import Row
from tests.cli import fake_program

Run = Callable[..., tuple[int, str, str]]


class Plain:
    def text(self, number: int, answer: AnsweredRow) -> str:
        return f"answer {number}"

    def error(self, number: int, error: BertkitError) -> str:
        return f"error {number}: {error.what}"


def shown(**record: object) -> list[str]:
    return ExplainedForm(Plain()).text(3, AnsweredRow(Row({"text": "x"}, "row 3"), record)).splitlines()


def words(*scores: float) -> list[dict[str, object]]:
    return [{"text": f"w{place}", "score": score} for place, score in enumerate(scores)]


def test_an_answer_without_an_explanation_is_as_it_was() -> None:
    assert shown(value=1.0) == ["answer 3"]
    assert shown(explanation=None) == ["answer 3", "     nothing to explain"]
    assert ExplainedForm(Plain()).error(2, InputError("bad")) == "error 2: bad"


def attribution(scores: list[float]) -> dict[str, object]:
    known = {"target_score": 2.0, "baseline_score": 0.5, "baseline": "[MASK]", "delta": -0.001, "steps": 32}
    return {"kind": "attribution", "target": "yes", "words": words(*scores), "scores": [0.0, *scores], **known}


def test_words_have_bars_as_long_as_their_scores() -> None:
    assert shown(explanation=attribution([2.0, -1.0, 0.0])) == [
        "answer 3",
        "     why yes: its score is 2.000, +1.500 against [MASK] for every token",
        "     score    word",
        "     +2.0000  w0    " + "█" * 24,
        "     -1.0000  w1    " + "░" * 12,
        "     +0.0000  w2",
        "     █ speaks for it, ░ against it; sum less change: -0.001, at 32 steps",
        "     “w0” speaks most for yes, “w1” against it.",
    ]


def test_of_many_words_the_strongest_are_shown_in_order() -> None:
    lines = shown(explanation=attribution([0.25] + [1.0, -2.0] * 12 + [0.5]))[3:-2]
    assert len(lines) == SHOWN_WORDS + 1
    assert [line.split()[1] for line in lines[:-1]] == [f"w{place}" for place in range(1, 25)]
    assert lines[-1].split("█")[0].split() == ["+0.7500", "(2", "more", "words)"]


def test_a_rollout_says_what_special_tokens_have() -> None:
    explanation = {"kind": "rollout", "target": None, "words": words(0.25, 0.125), "scores": [0.5, 0.25, 0.125, 0.125]}
    assert shown(explanation=explanation) == [
        "answer 3",
        "     where attention comes from",
        "     score    word",
        "     +0.2500  w0                " + "█" * 24,
        "     +0.1250  w1                " + "█" * 12,
        "     +0.6250  (special tokens)",
        "     Most attention comes from “w0” and “w1”.",
    ]


def test_a_text_without_words_has_an_empty_table() -> None:
    lines = shown(explanation=attribution([]))
    assert len(lines) == 5
    assert lines[-1] == "     No word speaks for yes or against it."


def test_in_a_terminal_with_colours_the_words_of_the_text_have_them() -> None:
    marked = [
        {"text": word, "start": start, "end": start + len(word), "part": 0, "score": score}
        for word, start, score in (("Good", 0, 2.0), ("not", 6, -1.0), ("bad", 10, 0.1))
    ]
    row = Row({"text": "Good, not bad\x1b."}, "row 1")
    answer = AnsweredRow(row, {"explanation": {**attribution([]), "words": marked}})
    plain, coloured = (ExplainedForm(Plain(), coloured=some).text(1, answer).splitlines() for some in (False, True))
    assert coloured[1] == f"     {GREEN}Good{PLAIN}, {RED}not{PLAIN} bad ."
    assert [coloured[0], *coloured[2:]] == plain


def test_heads_are_ranked() -> None:
    explanation = {"kind": "heads", "target": "yes", "importance": [[1.0, 4.0], [2.0, 0.0]]}
    assert shown(explanation=explanation)[1:] == [
        "     heads for yes",
        "     importance  step  head",
        "     4.0000      0     1     " + "█" * 24,
        "     2.0000      1     0     " + "█" * 12,
        "     1.0000      0     0     " + "█" * 6,
        "     0.0000      1     1",
        "     For yes head 1 of step 0 matters most.",
    ]
    many = shown(explanation={**explanation, "importance": [[float(head) for head in range(12)]]})
    assert len(many) == 3 + SHOWN_HEADS + 2
    assert many[-2].split() == ["0.0000", "…", "…", "the", "least", "of", "all"]
    assert shown(explanation={**explanation, "importance": [[0.0]]})[-2].split() == ["0.0000", "0", "0"]


class FakeExplainer:
    made: dict[str, Any]

    def __init__(self, model: fake_program.Model, **given: Any) -> None:
        FakeExplainer.made = given
        self.model = model
        self.task = model.task

    def stream(self, rows: Iterable[Row | str], *, on_error: str = "stop", waits: Any = None) -> Iterator[Any]:
        return self.model.stream(rows, on_error=on_error)


@pytest.fixture
def explain_module(monkeypatch: pytest.MonkeyPatch) -> None:
    module = ModuleType("bertkit.inference.explain")
    module.__dict__["Explainer"] = FakeExplainer
    monkeypatch.setitem(sys.modules, module.__name__, module)


@pytest.mark.usefixtures("explain_module")
def test_options_reach_the_explainer(run: Run) -> None:
    command = ("predict", "x", "--explain", "attribution", "--explain-target", "yes", "--explain-steps", "64", "--json")
    code, out, _ = run(*command)
    assert (code, len(json.loads(out)["embedding"])) == (0, 3)
    assert FakeExplainer.made == {"kind": "attribution", "target": "yes", "steps": 64}
    assert fake_program.LOADED[0]["explainable"] is True
    run("predict", "x", "--explain", "heads")
    assert FakeExplainer.made == {"kind": "heads"}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--explain-target", "yes"), "--explain-target without --explain"),
        (("--explain-steps", "9"), "--explain-steps without --explain"),
        (("--explain", "heads", "--explain-steps", "9"), "--explain heads has no steps"),
        (("--explain", "why"), "--explain"),
        (("--explain", "attribution", "--explain-steps", "0"), "--explain-steps"),
    ],
)
def test_options_that_do_not_go_together(run: Run, options: tuple[str, ...], message: str) -> None:
    code, out, err = run("predict", "x", *options)
    assert (code, out) == (2, "")
    assert message in err
    assert fake_program.LOADED == []
