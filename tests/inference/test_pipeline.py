from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from bertkit.errors import InputError, NotFinite
from bertkit.formats.rows import Row
from bertkit.inference.pipeline import Failure, Pipeline, Request
from bertkit.tasks.multiple_choice import Choices, MultipleChoice
from bertkit.tasks.reading import Reader
from bertkit.tokenization.windows import LongText
from tests.corpora.shard_files import numbered_tokenizer


@pytest.fixture
def pipeline(tmp_path: Path) -> Pipeline:
    task = MultipleChoice(numbered_tokenizer(tmp_path / "tokenizer"))
    return Pipeline(Reader(task, 8, LongText.WINDOW, offsets=False), "float32", lambda: "for a bead is missing")


def row(text: str, *choices: str) -> Row:
    return Row({"text": text, "choices": list(choices)}, f"file:{text}")


def logits(*values: float) -> list[tuple[np.ndarray]]:
    return [(np.array([[value]], np.float32),) for value in values]


def test_a_row_is_its_inputs_in_windows(pipeline: Pipeline) -> None:
    request = pipeline.prepare(row("w5 w7 w8 w10 w11 w13", "w5", "w7 w8"))
    assert request.place == "file:w5 w7 w8 w10 w11 w13"
    assert [texts.second for texts, _ in request.inputs] == ["w5", "w7 w8"]
    counts = [len(encoded.windows) for _, encoded in request.inputs]
    assert counts == [2, 2]
    assert len(request.windows) == sum(counts)
    assert request.tokens == sum(len(window.ids) for window in request.windows)


def test_a_row_that_cannot_be_read_does_not_hold_up_the_others(pipeline: Pipeline) -> None:
    before = Failure(InputError("the file ends here", "Mend it."))
    rows = [row("w5", "w7"), Row({"text": "w5"}, "file:2"), before, row("w7", "w8", " "), row("w8", "w5")]
    found = pipeline.prepare_all(rows)
    assert [type(one) for one in found] == [Request, Failure, Failure, Failure, Request]
    assert found[2] is before
    said = [one.record()["error"]["message"] for one in found if isinstance(one, Failure)]  # type: ignore[index]
    assert said[0] == "file:2: no field 'choices'"
    assert said[2].startswith("file:w7: input 2 of 2: the text is empty")
    with pytest.raises(InputError, match="file:2: no field 'choices'"):
        pipeline.prepare(rows[1])  # type: ignore[arg-type]


def test_outputs_go_to_their_inputs_in_order(pipeline: Pipeline) -> None:
    request = pipeline.prepare(row("w5 w7 w8 w10 w11 w13", "w5", "w7 w8"))
    outcomes = pipeline.outcomes(request, iter(logits(1, 2, 3, 4)))
    assert [[float(part[0, 0]) for (part,) in outcome.outputs] for outcome in outcomes] == [[1, 2], [3, 4]]
    answer = pipeline.finish(request, logits(0, 0, 5, 5))
    assert isinstance(answer, Choices)
    assert answer.choices[0].index == 1


def test_how_a_row_was_read_is_that_of_all_its_inputs(pipeline: Pipeline) -> None:
    request = pipeline.prepare(row("w5 w7 w8 w10 w11 w13", "w5", "w7 w8"))
    reading = pipeline.finish(request, logits(0, 0, 0, 0)).reading
    assert reading.input_tokens == (6 + 1 + 3) + (6 + 2 + 3)
    assert (reading.windows, reading.truncated, reading.dtype) == (2, False, "float32")
    pipeline.reader = Reader(pipeline.task, 8, LongText.TRUNCATE, offsets=False)
    request = pipeline.prepare(row("w5 w7", "w5", "w5 w7 w8 w10 w11"))
    reading = pipeline.finish(request, logits(0, 0)).reading
    assert (reading.windows, reading.truncated) == (1, True)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_numbers_that_are_none_are_no_answer(bad: float, pipeline: Pipeline) -> None:
    request = pipeline.prepare(row("w5", "w7", "w8"))
    with pytest.raises(NotFinite, match=r"file:w5: the model's output is not finite .* for a bead is missing"):
        pipeline.finish(request, logits(0, bad))
