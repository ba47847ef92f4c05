from __future__ import annotations

import csv
import io
from pathlib import Path

from bertkit.metrics.error_analysis import AnalysedExample
from bertkit.reports.mistakes_file import mistakes_csv, mistakes_path


def mistake(asked: dict[str, str]) -> AnalysedExample:
    about = {"place": "a.csv:2", "asked": asked, "words": 2, "tokens": None}
    return AnalysedExample(right="good", said='bad, "0.9"', error=1.0, loss=2.5, **about)  # type: ignore[arg-type]


def test_every_mistake_is_a_row_that_is_read_back() -> None:
    text = mistakes_csv([mistake({"text": "two\nlines"}), mistake({"text": "x", "text_pair": "y"})])
    rows = list(csv.DictReader(io.StringIO(text)))
    assert [row["text"] for row in rows] == ["two\nlines", "x"]
    assert [row["text_pair"] for row in rows] == ["", "y"]
    assert rows[0] | {"text": ""} == {
        "place": "a.csv:2",
        "text": "",
        "text_pair": "",
        "right": "good",
        "said": 'bad, "0.9"',
        "error": "1.0",
        "loss": "2.5",
    }


def test_without_mistakes_there_is_a_head() -> None:
    assert mistakes_csv([]) == "place,right,said,error,loss\n"


def test_it_is_beside_the_page() -> None:
    assert mistakes_path("some/report.html") == Path("some/report.mistakes.csv")
