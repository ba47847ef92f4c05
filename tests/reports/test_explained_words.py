from __future__ import annotations

from typing import Any

from bertkit.reports.explained_words import AGAINST, FOR, NOTHING, SHOWN_HEADS, explained_html, in_words


def words(*scores: float) -> list[dict[str, Any]]:
    return [{"text": f"<w{n}>", "start": 0, "end": 1, "part": 0, "score": score} for n, score in enumerate(scores)]


def test_words_are_the_stronger_coloured_the_more_they_add() -> None:
    found = {"kind": "attribution", "target": "<good>", "target_score": 2.0, "baseline_score": 0.5}
    html = explained_html(1, "<answer>", {**found, "words": words(1.0, -0.5, 0.0)})
    for colour in (f"rgba({FOR},0.60)", f"rgba({AGAINST},0.30)", f"rgba({FOR},0.00)"):
        assert colour in html
    assert "+1.500 against no text" in html
    assert not [tag for tag in ("<w0>", "<good>", "<answer>") if tag in html]
    assert "where attention comes from" in explained_html(1, "", {"kind": "rollout", "target": None, "words": words(1)})


def test_there_are_a_legend_and_a_closing_sentence() -> None:
    found = {"kind": "attribution", "target": "<good>", "target_score": 2.0, "baseline_score": 0.5}
    html = explained_html(1, "", {**found, "words": words(1.0, -0.5, 0.01, 0.4, 0.3)})
    assert "speaks for it" in html
    assert "speaks against it" in html
    closing = "“&lt;w0&gt;” and “&lt;w3&gt;” speak most for &lt;good&gt;, “&lt;w1&gt;” against it."
    assert html.endswith(f"<p>{closing}</p></div>")
    one_sided = {True: words(0.0, -1.0), False: words(1.0)}
    assert [in_words({**found, "words": some}) for some in one_sided.values()] == [
        "“<w1>” speaks most against <good>, and no word for it.",
        "“<w0>” speaks most for <good>, and no word against it.",
    ]


def test_words_that_touch_in_the_text_touch() -> None:
    touching = [{"text": "Ada", "start": 0, "end": 3, "part": 0, "score": 1.0}]
    touching += [{"text": ".", "start": 3, "end": 4, "part": 0, "score": 0.0}]
    touching += [{"text": "So", "start": 4, "end": 6, "part": 1, "score": 0.0}]
    html = explained_html(1, "", {"kind": "rollout", "target": None, "words": touching})
    assert "Ada</span><span" in html
    assert ".</span> <span" in html


def test_heads_and_nothing() -> None:
    heads = {"kind": "heads", "target": "good", "importance": [[0.1, 0.9], [0.5] * SHOWN_HEADS]}
    html = explained_html(1, "", heads)
    assert html.count("<tr>") == 1 + SHOWN_HEADS
    assert html.index("0.9000") < html.index("0.5000")
    assert NOTHING in explained_html(1, "", None)
    assert "<span" not in explained_html(1, "", {"kind": "rollout", "target": None, "words": []})
