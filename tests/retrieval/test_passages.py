from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from bertkit.retrieval.documents import SourceDocument, TextBlock
from bertkit.retrieval.passages import Passage, in_context, passages_of
from bertkit.retrieval.plain_text import text_blocks
from bertkit.retrieval.traced import LineStarts


def passages(text: str, words: int, overlap: int) -> list[Passage]:
    return list(passages_of(SourceDocument(list(text_blocks(text))), words, overlap))


def texts(text: str, words: int, overlap: int = 0) -> list[str]:
    return [passage.text.text for passage in passages(text, words, overlap)]


def test_sentences_stay_whole_and_passages_are_of_about_one_size() -> None:
    text = " ".join(f"Sentence number {n} here." for n in range(6))
    assert [len(one.split()) for one in texts(text, 10)] == [8, 8, 8]
    assert " ".join(texts(text, 10)) == text


def test_the_last_sentences_are_said_again() -> None:
    found = texts("One two three. Four five six. Seven eight nine. Ten eleven.", 6, 3)
    assert found == [
        "One two three. Four five six.",
        "Four five six. Seven eight nine.",
        "Seven eight nine. Ten eleven.",
    ]


def test_a_line_end_within_a_paragraph_ends_no_sentence() -> None:
    assert texts("A sentence that goes\non over a line. Another one.", 8) == [
        "A sentence that goes\non over a line.",
        "Another one.",
    ]


def test_a_sentence_that_is_too_long_is_cut_evenly_between_words() -> None:
    assert texts("a b c d e f g h", 3) == ["a b c", "d e f", "g h"]


def test_characters_of_scripts_without_spaces_count_as_words() -> None:
    assert texts("今日は天気がいい。明日は雨が降る。", 8) == ["今日は天気がいい。", "明日は雨が降る。"]


def test_no_passage_reaches_over_a_heading_or_a_page() -> None:
    lines = LineStarts("a b")
    blocks = [
        TextBlock(lines.traced("a", 0), "one"),
        TextBlock(lines.traced("b", 2), "two"),
        TextBlock(lines.traced("b", 2), "two", 2),
    ]
    found = list(passages_of(SourceDocument(blocks), 99, 0))
    assert [(one.heading, one.page, one.text.text) for one in found] == [
        ("one", None, "a"),
        ("two", None, "b"),
        ("two", 2, "b"),
    ]
    assert found[0].in_context == in_context("one", "a") == "one: a"
    assert found[1].digest == found[2].digest != found[0].digest


def test_what_has_no_word_is_no_passage() -> None:
    assert texts("*** !!!\n\n---", 9) == []


@given(st.lists(st.text(alphabet="ab. \n!界", max_size=30), max_size=5), st.integers(8, 12), st.integers(0, 4))
def test_no_word_is_lost_and_every_stretch_is_the_users_own(parts: list[str], words: int, overlap: int) -> None:
    source = "\n\n".join(parts)
    found = passages(source, words, overlap)
    seen = set[int]()
    for passage in found:
        for at, character in enumerate(passage.text.text):
            if not character.isspace():
                offset = passage.text.place(at).offset
                assert source[offset] == character
                seen.add(offset)
    lost = [c for offset, c in enumerate(source) if offset not in seen and (c.isalnum())]
    assert lost == []
