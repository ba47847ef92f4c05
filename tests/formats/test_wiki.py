from __future__ import annotations

import pytest

from bertkit.formats.wiki import is_heading, running_text


@pytest.mark.parametrize(
    "line",
    ["History.", "Early life and education.", "1980s.", '"Plan 9 from Outer Space".', "1921–1922: Travels abroad."],  # noqa: RUF001
)
def test_headings(line: str) -> None:
    assert is_heading(line)


@pytest.mark.parametrize(
    "line",
    [
        "He died in 1903.",
        "Turnout was low.",
        "See also",
        "One. Two.",
        "And so on...",
        "Yes!",
        "A long way to go, " * 4 + ".",
    ],
)
def test_sentences_are_no_headings(line: str) -> None:
    assert not is_heading(line)


def test_the_title_is_left_out_only_where_it_is_the_first_line() -> None:
    assert running_text('<doc id="1" title="Tom &amp; Jerry">', ["", "Tom & Jerry", "", "They run"]) == "They run"
    assert running_text('<doc id="1" title="Tom">', ["They run", "Tom"]) == "They run\nTom"
    assert running_text("<doc>", [" A line ", "\t"]) == "A line"
