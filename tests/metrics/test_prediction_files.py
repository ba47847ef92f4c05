from __future__ import annotations

from pathlib import Path

import pytest

from bertkit.errors import InputError
from bertkit.metrics.prediction_files import read_answers, read_no_answer_scores, read_records
from bertkit.metrics.results import Prediction


def test_records_keep_their_lines(tmp_path: Path) -> None:
    path = tmp_path / "p.jsonl"
    path.write_text('{"value": 1}\n\n{"value": 2}\n')
    assert read_records(str(path)) == [Prediction({"value": 1}, f"{path}:1"), Prediction({"value": 2}, f"{path}:3")]


@pytest.mark.parametrize("content", ['{"a": "x", "b": ""}', '{\n  "a": "x",\n  "b": ""\n}\n'])
def test_answers_by_id(tmp_path: Path, content: str) -> None:
    path = tmp_path / "p.json"
    path.write_text(content)
    assert read_answers(str(path)) == {"a": "x", "b": ""}


def test_answers_as_records(tmp_path: Path) -> None:
    path = tmp_path / "p.jsonl"
    path.write_text('{"answers": [], "no_answer_score": 1}\n')
    assert read_answers(str(path)) == [Prediction({"answers": [], "no_answer_score": 1}, f"{path}:1")]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"\n", ": no predictions"),
        (b'{\n"a": "x",\n"b" "y"}', ":3: not valid JSON at column 5"),
        (b'{\n"a": 3}', ": the answer to 'a' is not text"),
        (b'["a"]', ": not a JSON object"),
        (b'{\n"a": "\xff"}', ": not valid UTF-8 at byte 9"),
        (b'{"answers": []}\n{"answers": ', ":2: not valid JSON"),
    ],
)
def test_broken_answers(tmp_path: Path, content: bytes, said: str) -> None:
    path = tmp_path / "p.json"
    path.write_bytes(content)
    with pytest.raises(InputError) as caught:
        read_answers(str(path))
    assert caught.value.what.startswith(f"{path}{said}")
    assert "--on-error" not in caught.value.remedy


def test_no_answer_scores(tmp_path: Path) -> None:
    path = tmp_path / "odds.json"
    path.write_text('{"a": 0.5, "b": 1}')
    assert read_no_answer_scores(str(path)) == {"a": 0.5, "b": 1.0}
    path.write_text('{"a": "0.5"}')
    with pytest.raises(InputError, match="the score of 'a' is not a number"):
        read_no_answer_scores(str(path))
