from __future__ import annotations

import pytest

from bertkit.retrieval.html import html_blocks

PAGE = """<!doctype html><html><head><title>The &amp; page</title><style>p { color: red }</style></head>
<body><nav><a href="/">menu</a></nav>
<h1>One</h1>
<p>A <b>bold</b>   word &eacute; and
more<br>after</p><script>if (a < b) { alert("<p>no</p>") }</script>
<ul><li>item one<li>item two</ul>
<h2>Two</h2><table><tr><td>a</td><td>b</td></tr></table><p> </p>
</body></html>
"""


def test_text_stands_below_its_headings_without_menus_and_scripts() -> None:
    blocks, title = html_blocks(PAGE)
    assert title == "The & page"
    assert [(block.heading, block.text.text) for block in blocks] == [
        ("One", "A bold word é and more after"),
        ("One", "item one"),
        ("One", "item two"),
        ("One > Two", "a | b"),
    ]


@pytest.mark.parametrize("word", ["bold", "word", "and", "more", "after", "one", "two", "b"])
def test_every_word_stands_where_it_is_in_the_source(word: str) -> None:
    block = next(one for one in html_blocks(PAGE)[0] if word in one.text.text.split())
    place = block.text.place(block.text.text.split(word)[0].__len__())
    assert PAGE.startswith(word, place.offset)
    assert PAGE.count("\n", 0, place.offset) + 1 == place.line


def test_a_page_that_is_broken_is_read_as_far_as_it_goes() -> None:
    blocks, title = html_blocks("<p>open <b>bold<p>next &unknown; <!-- never closed")
    assert [block.text.text for block in blocks][:1] == ["open bold"]
    assert title == ""
