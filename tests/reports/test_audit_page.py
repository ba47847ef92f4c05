from __future__ import annotations

import re
import xml.etree.ElementTree as ElementTree
from html import escape

from bertkit.reports.audit_facts import facts
from bertkit.reports.audit_page import audit_page
from tests.reports.made_audits import LENGTHS, MADE


def test_all_facts_are_there_and_words_are_no_markup() -> None:
    page = audit_page(MADE)
    for group in facts(MADE).values():
        for name, value in group.items():
            assert name in page
            shown = f"{value:,}" if isinstance(value, int) else str(value)
            assert escape(shown) in page
    assert "&lt;shards&gt;" in page
    assert "<shards>" not in page
    assert 'a <b class="mask">{cat→=}</b> &lt;b&gt;' in page
    assert page.count("second part follows") == 1


def test_bars_are_as_high_as_their_counts_and_the_ends_without_any_are_left_out() -> None:
    drawings = re.findall(r"<svg.*?</svg>", audit_page(MADE))
    assert len(drawings) == 3
    bars = ElementTree.fromstring(drawings[0]).findall("rect")
    assert len(bars) == 3, "the empty range between the first and the last has its place"
    heights = [float(bar.attrib["height"]) for bar in bars]
    assert heights[1] == 0
    assert heights[0] / heights[2] == LENGTHS.counts[1] / LENGTHS.counts[3]
    titles = [bar.findtext("title") for bar in bars]
    assert titles == ["2 to 3 tokens: 3", "4 to 7 tokens: 0", "8 to 15 tokens: 5"]
    assert "longest 1,234" in drawings[0]
