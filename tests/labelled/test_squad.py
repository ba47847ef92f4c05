from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from bertkit.errors import InputError
from bertkit.labelled.examples import References
from bertkit.labelled.squad import read_squad

CONTEXT = "Zoë was born in 1953, and again in 1953."


def question(**changes: object) -> dict[str, object]:
    return {"id": "q1", "question": "When?", "answers": [{"text": "1953", "answer_start": 16}], **changes}


def write(path: Path, *questions: object, **article: object) -> str:
    whole = {"version": "1.1", "data": [{"paragraphs": [{"context": CONTEXT, "qas": list(questions)}], **article}]}
    path.write_text(json.dumps(whole))
    return str(path)


def test_questions_and_their_answers(tmp_path: Path) -> None:
    none = question(id="q2", question="Where?", answers=[], is_impossible=True, plausible_answers=[{"text": "x"}])
    first, second = read_squad(write(tmp_path / "dev.json", question(), none, title="Zoë"))
    assert first.row.fields == {"id": "q1", "question": "When?", "context": CONTEXT, "title": "Zoë"}
    assert first.row.place == f"{tmp_path}/dev.json: data[0].paragraphs[0].qas[0]"
    assert (first.id, first.target) == ("q1", References(("1953",), (16,)))
    assert (second.id, second.target) == ("q2", References((), ()))


def test_gzip_and_a_byte_order_mark(tmp_path: Path) -> None:
    write(tmp_path / "dev.json", question())
    (tmp_path / "dev.json.gz").write_bytes(gzip.compress(b"\xef\xbb\xbf" + (tmp_path / "dev.json").read_bytes()))
    assert [one.id for one in read_squad(str(tmp_path / "dev.json.gz"))] == ["q1"]


@pytest.mark.parametrize(
    ("broken", "said"),
    [
        ({"id": True}, "qas[0]: 'id' is not text"),
        ({"question": None}, "qas[0]: 'question' is not text"),
        ({"answers": {}}, "qas[0]: 'answers' is not a list"),
        ({"answers": ["1953"]}, "qas[0].answers[0]: it is not an object"),
        ({"answers": [{"text": "1953"}]}, "qas[0].answers[0]: no 'answer_start'"),
        ({"answers": [{"text": "1953", "answer_start": True}]}, "answers[0]: 'answer_start' is not a whole number"),
        (
            {"answers": [{"text": "1953", "answer_start": 17}]},  # counted in bytes
            "data[0].paragraphs[0].qas[0].answers[0]: the context does not read '1953' at character 17",
        ),
        ({"answers": [{"text": "1953", "answer_start": -5}]}, "does not read '1953' at character -5"),
    ],
)
def test_a_broken_question_names_its_place(tmp_path: Path, broken: dict[str, Any], said: str) -> None:
    with pytest.raises(InputError) as caught:
        list(read_squad(write(tmp_path / "dev.json", question(**broken))))
    assert said in caught.value.what
    assert caught.value.what.startswith(f"{tmp_path}/dev.json: data[0].paragraphs[0].qas[0]")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"3", "dev.json: the whole is not an object"),
        (b"{}", "dev.json: no 'data'"),
        (b'{"data": [{}]}', "dev.json: data[0]: no 'paragraphs'"),
        (b'{\n"data": [,]}', "dev.json:2: not valid JSON at column 10"),
        (b'{"data": "\xff"}', "dev.json: not valid UTF-8 at byte 11"),
        (gzip.compress(b"{}" * 100, mtime=0)[:-9], "dev.json: the gzip data is damaged to its end"),
    ],
)
def test_a_broken_file(tmp_path: Path, content: bytes, said: str) -> None:
    (tmp_path / "dev.json").write_bytes(content)
    with pytest.raises(InputError) as caught:
        list(read_squad(str(tmp_path / "dev.json")))
    assert said in caught.value.what


@pytest.mark.data
def test_the_published_counts(test_data: Path) -> None:
    first = list(read_squad(str(test_data / "squad/dev-v1.1.json")))
    assert len(first) == len({one.id for one in first}) == 10_570
    second = list(read_squad(str(test_data / "squad/dev-v2.0.json")))
    assert len(second) == 11_873
    assert sum(one.target == References((), ()) for one in second) == 5_945
