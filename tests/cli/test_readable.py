from __future__ import annotations

import json
from collections.abc import Callable

import numpy as np
import pytest

from bertkit.cli.answers import AnsweredRow
from bertkit.cli.readable import MANY_LABELS, Readable, cosine
from bertkit.formats.rows import Row

Run = Callable[..., tuple[int, str, str]]


def test_embeddings_show_how_near_each_is_to_the_first(run: Run) -> None:
    _, out, _ = run(
        "predict", "abc", "abc", "a long text that has more characters than one line should show to a person"
    )
    first, second, third = out.splitlines()
    assert first == "  1  abc" + " " * 41 + "    3 tokens  3 values:  3.0000  1.0000  1.1000"
    assert second == first.replace("  1  ", "  2  ", 1) + "  similarity to 1:  1.000"
    assert "…" in third
    assert "similarity to 1:  0." in third
    assert third.index("3 values") == first.index("3 values")


def test_a_text_read_in_parts_says_so(run: Run) -> None:
    _, out, _ = run("predict", "long", "cut")
    assert [" ".join(line.split()[1:6]) for line in out.splitlines()] == [
        "long 3 tokens in 3",
        "cut 3 tokens, part dropped",
    ]


def test_fills_are_a_table(run: Run) -> None:
    _, out, _ = run("predict", "[MASK] is a city.", "--task", "fill-mask")
    heading, *lines = out.splitlines()
    assert heading.split() == ["1", "[MASK]", "is", "a", "city.", "6", "tokens"]
    assert lines == [
        "     score   token  sequence",
        "     0.5000  paris  paris is a city.",
        "     0.2500  rome   paris is a city.",
    ]


def test_two_masks_have_two_tables(run: Run) -> None:
    _, out, _ = run("predict", "[MASK] or [MASK]", "--task", "fill-mask")
    assert [line.split()[1:3] for line in out.splitlines() if "score" in line] == [["mask", "1"], ["mask", "2"]]


def test_a_pair_shows_both_texts(run: Run) -> None:
    _, out, _ = run("predict", "one", "--text-pair", "two", "--task", "next-sentence-prediction")
    assert out.startswith("  1  one | two ")
    assert out.endswith("second follows first: 0.750\n")


def test_features_are_a_line_a_token(run: Run) -> None:
    _, out, _ = run("predict", "one two", "--task", "feature-extraction")
    assert out.splitlines()[1:] == [
        "     token  offsets  2 values",
        "     one    0-1       0.5000 -1.5000",
        "     two    0-1       0.5000 -1.5000",
    ]


ROW = {"text": "Ada was here.", "query": "who", "documents": ["a first", "x" * 60], "choices": ["one", "two\x1b[2J"]}
BLOCKS = {
    "text-classification": ("Ada was here.", ["score   label", "0.7500  positive", "0.2500  negative"]),
    "token-classification": ("Ada was here.", ["score   label  offsets  text", "0.5000  PER    0-3      Ada"]),
    "question-answering": ("who?", ["score   offsets  answer", "0.7500  0-3      Ada", "0.1250           (no answer)"]),
    "text-ranking": (
        "who",
        ["score    index  document", "0.5000   1      " + "x" * 43 + "…", "-0.2500  0      a first"],
    ),
    "multiple-choice": ("Ada was here.", ["score   index  choice", "0.7500  1      two [2J", "0.2500  0      one"]),
}


@pytest.mark.parametrize(("task", "heading", "lines"), [(task, *shown) for task, shown in BLOCKS.items()], ids=BLOCKS)
def test_answers_of_a_task_are_a_table(run: Run, task: str, heading: str, lines: list[str]) -> None:
    row = {name: ROW[name] for name in ("text", *{"text-ranking": ["query", "documents"]}.get(task, ["choices"]))}
    if task == "question-answering":
        row["question"] = "who?"
    _, out, _ = run("predict", "-i", "-", "--format", "jsonl", "--task", task, stdin=json.dumps(row).encode())
    first, *others = out.splitlines()
    assert first.startswith(f"  1  {heading} ")
    assert first.endswith(" tokens")
    assert others == ["     " + line for line in lines]


def test_no_entities(run: Run) -> None:
    _, out, _ = run("predict", "nobody", "--task", "token-classification")
    assert out.splitlines()[1:] == ["     no entities"]


def test_a_value_is_on_the_line(run: Run) -> None:
    _, out, _ = run("predict", "one", "--task", "regression")
    assert out == "  1  one" + " " * 41 + "    3 tokens  value: 3.2500\n"


def test_a_task_without_a_form_of_its_own_is_shown_as_json(run: Run) -> None:
    _, out, _ = run("predict", "x", "--task", "new-task")
    assert out.startswith('{"answer": "x", ')


def test_a_text_cannot_steer_the_terminal(run: Run) -> None:
    _, out, _ = run("predict", "a\x1b[2Jb\nc")
    assert out.startswith("  1  a [2Jb c ")
    assert len(out.splitlines()) == 1


def test_cosine() -> None:
    one, other = np.array([1, 0], np.float32), np.array([3, 4], np.float32)
    assert cosine(one, other) == pytest.approx(0.6)
    assert cosine(one, one * 0) == 0.0


def test_of_many_labels_the_best_are_shown_and_all_that_were_asked_for() -> None:
    def shown(form: Readable, *scores: float) -> list[str]:
        labels = [{"label": f"l{place}", "score": score} for place, score in enumerate(scores)]
        return form.text(1, AnsweredRow(Row({"text": "x"}, "row 1"), {"labels": labels})).splitlines()[2:]

    many = [0.5, *[0.01] * 50]
    assert [line.split()[1] for line in shown(Readable(), *many)] == ["l0", "l1", "l2", "48"]
    assert shown(Readable(), *many)[-1] == "     … 48 more: --top-k N shows N"
    assert len(shown(Readable(few_labels=False), *many)) == 51
    assert len(shown(Readable(), *[0.2] * MANY_LABELS)) == MANY_LABELS
    assert len(shown(Readable(), *[0.9] * 7, *[0.1] * 9)) == 7 + 1, "all that are likelier than not"
