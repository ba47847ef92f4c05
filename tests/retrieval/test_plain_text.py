from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from bertkit.retrieval.plain_text import text_blocks


def test_paragraphs_stand_between_blank_lines() -> None:
    source = "\n first\nline \n \t\nsecond\r\n\r\nthird"
    found = [(block.text.text, block.text.place(0).line) for block in text_blocks(source)]
    assert found == [("first\nline", 2), ("second", 5), ("third", 7)]


@given(st.text(alphabet="a .\n\r\t", max_size=40))
def test_a_paragraph_is_the_users_own_characters_and_nothing_is_lost(source: str) -> None:
    blocks = list(text_blocks(source))
    for block in blocks:
        start, end = block.text.span(0, len(block.text.text))
        assert source[start.offset : end.offset] == block.text.text
    assert "".join("".join(block.text.text.split()) for block in blocks) == "".join(source.split())
