from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from bertkit.corpora.documents import read_documents
from bertkit.corpora.filters import Filters

GOOD = "\n".join(f"Sentence {word} of a text that reads like any other does." for word in "abcdefgh")
CHINESE = "人类社会的发展离不开语言文字的记录与传播、历史学家因此十分重视古代文献的整理和研究工作。" * 8


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (GOOD, None),
        (CHINESE, None),
        ("คนไทยมีภาษาเขียนเป็นของตนเองมานานหลายร้อยปีแล้ว " * 8, None),
        ("나는 그 책을 다 읽고 또 그 글을 썼다 " * 20, None),
        (GOOD[:299], "too_short"),
        ("a b c d e f g h " * 30, "short_words"),
        ("incomprehensibilities internationalisations " * 10, "long_words"),
        ("#one word #two words #three or more words here " * 10, "many_symbols"),
        ("word 1234 5678 90.1 [12] 2,345 word " * 10, "few_alphabetic_words"),
        ("\n".join(f"- entry number {place} of this list" for place in range(20)), "many_bullet_lines"),
        ("\n".join(f"The beginning of story {place} which goes on…" for place in range(20)), "many_ellipsis_lines"),
        (
            "\n".join(["Click here to read more of it."] * 10 + [f"Other line {place}" for place in range(9)]),
            "repeated_lines",
        ),
        (
            GOOD.replace("\n", " ")
            + "\nshort\nlines" * 4
            + "\nA line that stands here twice and is long, you see." * 7,
            "repeated_lines",
        ),
        (CHINESE + "\n" + "点击这里\n" * 10, "repeated_lines"),
    ],
)
def test_the_first_rule_broken(text: str, reason: str | None) -> None:
    assert Filters().reason(text) == reason


def test_a_tenth_of_repeated_lines_may_be_much_of_the_text() -> None:
    lines = [f"line {place}" for place in range(18)]
    long = "This line stands here twice and has most of the characters of the whole text. " * 4
    assert Filters().reason("\n".join([*lines, long, long])) == "repeated_lines"
    assert Filters(max_repeated_line_characters=None).reason("\n".join([*lines, long, long])) is None


def test_every_rule_can_be_switched_off() -> None:
    off = Filters(**dict.fromkeys(Filters.model_fields))
    for text in ("", "#", "a " * 500, "- …\n" * 50, "12 " * 200):
        assert off.reason(text) is None


def test_texts_without_words_or_lines_break_no_division() -> None:
    rules = Filters(min_characters=None)
    assert rules.reason("") == rules.reason(" \n ") == "short_words"


def test_thresholds_are_checked() -> None:
    with pytest.raises(ValidationError):
        Filters(max_bullet_lines=1.5)
    with pytest.raises(ValidationError):
        Filters.model_validate({"min_letters": 3})


@pytest.mark.data
def test_wikipedia_passes_but_for_its_stubs(test_data: Path) -> None:
    rules = Filters()
    reasons = [
        rules.reason(document.text or "") for document in read_documents(str(test_data / "wikipedia/wiki_05.txt.gz"))
    ]
    others = [reason for reason in reasons if reason not in (None, "too_short")]
    assert len(others) < 0.02 * len(reasons)
    assert 0.02 < reasons.count("too_short") / len(reasons) < 0.2
