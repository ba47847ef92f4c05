from __future__ import annotations

from bertkit.metrics.intervals import Interval
from bertkit.reports.notebook import metrics_table, small_table


def test_every_text_is_escaped() -> None:
    html = small_table("<caption>", ("<head>",), [("<cell>",), ("1 < 2",)], ["<note>"])
    assert not [tag for tag in ("<caption>", "<head>", "<cell>", "1 < 2", "<note>") if tag in html]
    assert html.count("&lt;") == 5
    assert "<script" not in html


def test_metrics_stand_beside_their_intervals() -> None:
    html = metrics_table("m", {"accuracy": 0.9, "loss": 1.5}, {"accuracy": Interval(0.9, 0.01, 0.88, 0.92)})
    assert ">0.8800 to 0.9200</td>" in html
    assert html.count("<tr>") == 3
