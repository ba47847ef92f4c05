from __future__ import annotations

from bertkit.metrics.entity_faults import FAULTS, EntityMark, EntityMarks
from bertkit.reports.entity_marks import COLOURS, fault_legend, marked


def test_what_is_not_marked_is_there_and_escaped() -> None:
    marks = EntityMarks((EntityMark(2, 5, "<T>", None),), (EntityMark(0, 1, "T", "spurious"),))
    html = marked("& <b> &", marks)
    right = f'<mark style="background:rgba({COLOURS[None]},.35)">&lt;b&gt;<small>&lt;T&gt;</small></mark>'
    assert f"&amp; {right} &amp;" in html
    assert f'<mark style="background:rgba({COLOURS["spurious"]},.35)" title="spurious">&amp;<small>T</small>' in html


def test_the_legend_counts_every_fault() -> None:
    html = fault_legend({"type": 1_234})
    assert [html.count(f">{fault}</mark>") for fault in FAULTS] == [1] * len(FAULTS)
    assert '<td class="number">1,234</td>' in html
    assert html.count('<td class="number">0</td>') == 3
