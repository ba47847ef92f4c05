from __future__ import annotations

import re

from bertkit.labelled.examples import References, Tagged
from bertkit.metrics.results import Prediction
from bertkit.reports.report_page import MOST_LABELS, SHORT, report_page
from tests.reports.made_reports import OUTSIDE, labelled, report


def test_many_labels_show_the_most_frequent_confusions() -> None:
    names = [f"label{n}" for n in range(MOST_LABELS + 1)]
    results, targets = labelled(200, names)
    page = report_page(report("text-classification", results, targets))
    assert "confusions, the most frequent first" in page
    assert "A row for each right label" not in page


def test_a_matrix_has_numbers_for_heads() -> None:
    results, targets = labelled(60, ["a label of many words", "b", "c"])
    page = report_page(report("text-classification", results, targets))
    assert "<th></th><th class=number>1</th><th class=number>2</th><th class=number>3</th>" in page
    assert "<td>1 a label of many words</td>" in page


def test_entities_are_marked_in_their_text_the_right_ones_above_those_that_were_said() -> None:
    tagged = Tagged(((0, 3), (4, 8)), ("B-PER", "I-PER"))
    entities = [Prediction({"entities": [{"label": "PER", "start": 0, "end": 3}]}, "p")]
    found = report("token-classification", entities, [tagged], "Ada L<i>")
    page = report_page(found)
    right, said = page.split('<span class="told">')[1:]
    assert ">Ada L&lt;i&gt;<small>PER</small>" in right
    assert ">Ada<small>PER</small></mark> L&lt;i&gt;" in said
    assert found.record()["entity_errors"] == {"boundary": 1}


def test_entities_answers_and_numbers() -> None:
    tagged = Tagged(((0, 3),), ("B-PER",))
    entities = [Prediction({"entities": [{"label": "PER", "start": 0, "end": 3}]}, "p")] * 3
    assert "What was taken for what" in report_page(report("token-classification", entities, [tagged] * 3, "Ada"))
    long = "word " * SHORT
    page = report_page(report("question-answering", {"0": "x", "1": "word"}, [References(("word",), (0,))] * 2, long))
    assert "Labels</h2>" not in page
    assert long.strip() in page, "a long text opens, and its end is there"
    numbers = report(
        "text-classification", [Prediction({"value": 1.0}, "p"), Prediction({"value": 2.0}, "p")], [1.0, 3.0]
    )
    assert numbers.record()["wrong"] == 1
    assert re.findall(OUTSIDE, page + report_page(numbers)) == []
