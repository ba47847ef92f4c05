# ruff: noqa: RUF001

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bertkit.corpora.sentences import split_sentences

CUT = "|"


@pytest.mark.parametrize(
    "text",
    [
        "One. |Two! |Three? |Four… |Five",
        "Mr. Smith met Dr. J. R. Jones in the U.S. Senate. |They spoke.",
        "It ended in the U.S. |The rest is known.",
        "He fought in World War I. |In 1920 he left.",
        "Fruit, e.g. Apples, is No. 5 on p. 12 of vol. 3. |No. |Yes.",
        "Pi is 3.14 here. |12 people came on Jan. 3 and Sept. 4. |OK.",
        'He said "Stop!" and left. |"Why?" |She did not know. |(It was late.) |So it goes.',
        "It was “over.” |Then ... the end came... |And then?! |‘No’ was all.",
        "A sentence with a note.[1] |Another one.[2][3] |$5 more.",
        "1. First item.\n|2. Second item.\n|It was in 1990. |Then not.",
        "Acme Inc. Chairman Jones v. Smith, Jones et al. Nothing. |However, etc. |The end.",
        "见过。|他说：“好！”|然后走了？|是。",
        "彼は「行く。」と言った。|それから帰った！",
        "यह एक वाक्य है। |यह दूसरा है। |هل هذا؟ |نعم.",
        "Это г. Москва. |Да! нет? возможно.",
        "no capital. follows here; e.g., lower. and.so on",
        "Yes. |No. |Élan. |Ça va? |Übung.",
    ],
)
def test_where_sentences_end(text: str) -> None:
    assert split_sentences(text.replace(CUT, "")) == [part.strip() for part in text.split(CUT)]


def test_a_line_end_ends_a_sentence_and_nothing_is_empty() -> None:
    assert split_sentences("one\n\n  two \r\n\t\nthree\n") == ["one", "two", "three"]
    assert split_sentences("He met Sen.\nMr.\n</p>\n.\n.") == ["He met Sen.", "Mr.", "</p>", ".", "."]
    assert split_sentences("") == split_sentences(" \n ") == []


def test_runs_of_full_stops_take_no_longer_than_other_text() -> None:
    text = "Contents " + "." * 1_000_000 + "12" + " ." * 1_000_000 + "!" + '."' * 1_000_000
    assert "".join(split_sentences(text)).replace(" ", "") == text.replace(" ", "")


@given(
    st.text(
        alphabet=st.one_of(st.sampled_from(" \n\r.!?…。\"'”()[]1aZé“「」と\u3000\u2028"), st.characters()), max_size=80
    )
)
def test_nothing_is_lost_but_white_space(text: str) -> None:
    sentences = split_sentences(text)
    assert all(sentence and sentence == sentence.strip() and "\n" not in sentence for sentence in sentences)
    assert "".join("".join(sentences).split()) == "".join(text.split())
