from __future__ import annotations

from bertkit.retrieval.traced import LineStarts, SourcePlace, Stretch, Traced, joined

SOURCE = "one\ntwo **three**\nfour"


def test_lines_count_from_one() -> None:
    lines = LineStarts(SOURCE)
    assert [lines.line(SOURCE.index(word)) for word in ("one", "two", "four")] == [1, 2, 3]


def test_a_text_knows_where_each_character_stands() -> None:
    lines = LineStarts(SOURCE)
    text = joined([lines.traced("two ", 4), lines.traced("three", 10), lines.traced("four", 18)], "")
    assert text.text == "two threefour"
    for at, character in enumerate(text.text):
        place = text.place(at)
        assert SOURCE[place.offset] == character
        assert lines.line(place.offset) == place.line
    assert text.span(4, 9) == (SourcePlace(10, 2), SourcePlace(15, 2))


def test_a_part_stands_where_it_stood() -> None:
    text = joined([LineStarts(SOURCE).traced("one\ntwo", 0), LineStarts(SOURCE).traced("four", 18)], " | ")
    assert text.text == "one\ntwo | four"
    part = text.part(5, 12)
    assert (part.text, part.place(0), part.place(5)) == ("wo | fo", SourcePlace(5, 2), SourcePlace(18, 3))


def test_a_text_without_lines_has_none_anywhere() -> None:
    assert Traced("a\nb", (Stretch(0, 7, 0),)).place(2) == SourcePlace(9, 0)
