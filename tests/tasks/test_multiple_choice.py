from __future__ import annotations

from pathlib import Path

import pytest

import bertkit
from bertkit.errors import InputError
from bertkit.inference.model import Model
from bertkit.inference.pipeline import Failure
from bertkit.pretrained.loading import open_pretrained
from bertkit.tasks.multiple_choice import Choices
from tests.parity.task_peers import make_task_peer

LONG = " ".join(f"w{number}" for number in range(50))


def load(folder: Path, **options: object) -> Model:
    return bertkit.load(folder, dtype="float32", **options)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def chooser(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("chooser")
    make_task_peer("multiple-choice", folder)
    return folder


def test_choices(chooser: Path) -> None:
    assert open_pretrained(chooser).tasks()[0] == "multiple-choice"
    row = {"text": "w1 w2", "choices": ["w3", "w4 w5", "w6"]}
    model = load(chooser)
    (result,) = model.predict([row])
    assert isinstance(result, Choices)
    record = result.record()
    assert list(record) == ["choices", "input_tokens", "windows", "truncated", "dtype"]
    assert (record["input_tokens"], record["windows"]) == (3 * 5 + 4, 1)
    assert sorted(choice.index for choice in result.choices) == [0, 1, 2]
    assert sum(choice.score for choice in result.choices) == pytest.approx(1)
    (turned,) = model.predict([{**row, "choices": row["choices"][::-1]}])
    assert isinstance(turned, Choices)
    assert [2 - choice.index for choice in turned.choices] == [choice.index for choice in result.choices]


def test_a_long_text_with_choices(chooser: Path) -> None:
    (result,) = load(chooser, long="window").predict([{"text": LONG, "choices": ["w1", "w2 w3 w4", "w5"]}])
    assert isinstance(result, Choices)
    assert len(result.choices) == 3
    assert result.reading.windows > 2


BAD_ROWS = {
    "no list": ({"text": "w1", "choices": "w2"}, "field 'choices' is str, not a list"),
    "an empty list": ({"text": "w1", "choices": []}, "field 'choices' is an empty list"),
    "no choices": ({"text": "w1"}, "no field 'choices'"),
    "not text": ({"text": "w1", "choices": ["w1", 2]}, r"field 'choices\[1\]' is int, not text"),
    "an empty choice": ({"text": "w1", "choices": ["w1", " "]}, "input 2 of 2: the text is empty"),
    "too long": ({"text": "w1", "choices": ["w1", LONG]}, "input 2 of 2: the text has 54 tokens"),
}


@pytest.mark.parametrize(("row", "message"), BAD_ROWS.values(), ids=BAD_ROWS)
def test_bad_rows_are_refused_or_recorded(chooser: Path, row: dict[str, object], message: str) -> None:
    model = load(chooser)
    with pytest.raises(InputError, match=f"row 1: {message}"):
        model.predict([row])
    good = {"text": "w1", "choices": ["w2", "w3 w4"]}
    stream = list(model.stream([good, row, good], on_error="record"))
    assert [type(one) for one in stream] == [Choices, Failure, Choices]
    first, last = (one for one in stream if isinstance(one, Choices))
    assert [one.index for one in first.choices] == [one.index for one in last.choices]
    assert first.choices[0].score == pytest.approx(last.choices[0].score, abs=1e-6)
