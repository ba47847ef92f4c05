from __future__ import annotations

from html.parser import HTMLParser

from bertkit.reports.page import page, table, table_of


class Balanced(HTMLParser):
    """Every tag that is opened is closed, in the order that it has to be."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: object) -> None:
        if tag != "meta":
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_a_page_is_whole_and_its_words_are_no_markup() -> None:
    parts = [table(("<name>", "value"), [("<b>", "1 < 2"), ("x & y", "0.5")]), "<p>a part</p>"]
    whole = page("<title>", "<heading>", parts, "p{color:red}")
    parser = Balanced()
    parser.feed(whole)
    parser.close()
    assert parser.open == []
    assert "<title>&lt;title&gt;</title>" in whole
    assert "<h1>&lt;heading&gt;</h1>" in whole
    assert "<p>a part</p>" in whole
    assert "p{color:red}" in whole
    for words in ("&lt;name&gt;", "&lt;b&gt;", "1 &lt; 2", "x &amp; y"):
        assert words in whole


def test_numbers_stand_at_the_right() -> None:
    shown = table(("name",), [("word",), ("0.5",), ("1,024",)])
    assert shown.count('<td class="number">') == 2
    assert "<td>word</td>" in shown
    assert "<td><i>as it is</i></td>" in table_of(("name",), [["<td><i>as it is</i></td>"]])
