from __future__ import annotations

from bertkit.retrieval.documents import TextBlock
from bertkit.retrieval.markdown import markdown_blocks

PAGE = """# The *page*

A [linked](https://example.org) word, **bold**
and over a line &amp; an \\*escape.

## Below

* an item with `code`
  > quoted

| a | b |
|---|---|
| one | `two` |

```bash
echo hello
```

Other
=====

last
"""


def blocks() -> list[TextBlock]:
    return list(markdown_blocks(PAGE))


def test_text_stands_below_its_headings_without_markup() -> None:
    assert [(block.heading, block.text.text) for block in blocks()] == [
        ("The page", "A linked word, bold\nand over a line & an *escape."),
        ("The page > Below", "an item with code"),
        ("The page > Below", "quoted"),
        ("The page > Below", "a | b"),
        ("The page > Below", "one | two"),
        ("The page > Below", "echo hello"),
        ("Other", "last"),
    ]


def test_every_word_stands_where_it_is_in_the_source() -> None:
    for block in blocks():
        for word in ("linked", "bold", "over", "escape", "item", "code", "quoted", "one", "two", "hello", "last"):
            if word in block.text.text:
                place = block.text.place(block.text.text.index(word))
                assert PAGE.startswith(word, place.offset), (block.text.text, word)
                assert PAGE.count("\n", 0, place.offset) + 1 == place.line


def test_a_page_of_nothing_has_no_blocks() -> None:
    assert list(markdown_blocks("")) == list(markdown_blocks("# only a heading\n\n---\n")) == []
