from __future__ import annotations

from typing import Any

from bertkit.reports.explained_words import AGAINST, FOR, NOTHING, SHOWN_HEADS, explained_html


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


def test_heads_and_nothing() -> None:
    heads = {"kind": "heads", "target": "good", "importance": [[0.1, 0.9], [0.5] * SHOWN_HEADS]}
    html = explained_html(1, "", heads)
    assert html.count("<tr>") == 1 + SHOWN_HEADS
    assert html.index("0.9000") < html.index("0.5000")
    assert NOTHING in explained_html(1, "", None)
    assert "<span" not in explained_html(1, "", {"kind": "rollout", "target": None, "words": []})
