"""Answers come in order and as they are ready: bound by tokens, and by how long the next row is in coming."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

import bertkit
from bertkit.errors import InputError
from bertkit.formats.rows import Row
from bertkit.inference.answerer import BATCHES_AT_ONCE, CHARACTERS_A_TOKEN, PATIENCE, ROWS_READ_AT_ONCE, never
from bertkit.inference.model import Model
from bertkit.inference.pipeline import Failure
from tests.parity.bert_peer import Sizes, make_peer

TEXTS = [" ".join(f"w{(number * 7 + place) % 40}" for place in range(number % 9 + 1)) for number in range(300)]


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Model:
    folder = tmp_path_factory.mktemp("model")
    make_peer(Sizes(), folder)
    return bertkit.load(folder, task="sentence-embedding", dtype="float32", batch_tokens=64)


class Source:
    """Rows that count how many have been taken, on a clock that they move."""

    def __init__(self, texts: list[str], seconds: float = 0.0) -> None:
        self.texts, self.seconds = texts, seconds
        self.taken, self.now = 0, 0.0

    def __iter__(self) -> Iterator[str]:
        for text in self.texts:
            self.taken += 1
            self.now += self.seconds
            yield text


def test_the_first_answers_come_before_the_last_rows_are_read(model: Model) -> None:
    source = Source(TEXTS)
    answers = model.stream(source)
    next(answers)
    assert source.taken <= ROWS_READ_AT_ONCE < len(TEXTS)
    assert 1 + sum(1 for _ in answers) == len(TEXTS)


@pytest.mark.parametrize("task", ["sentence-embedding", "text-ranking"])
def test_of_long_rows_few_are_read_at_once(model: Model, task: str) -> None:
    """What waits to be computed is Python objects, hundreds of bytes a token."""
    text = "w1 " * 20
    row = {"text": text} if task == "sentence-embedding" else {"query": text, "documents": [text] * 3}
    size = len(text) if task == "sentence-embedding" else 4 * len(text)
    chunk = next(model.answerer.chunks((Row(row, "here") for _ in range(ROWS_READ_AT_ONCE)), never))
    assert len(chunk.rows) == -(-CHARACTERS_A_TOKEN * BATCHES_AT_ONCE * 64 // size) < ROWS_READ_AT_ONCE


def test_rows_that_are_there_do_not_wait_for_one_that_is_not(model: Model) -> None:
    source = Source(TEXTS)
    answers = model.stream(source, waits=lambda: source.taken == 5)
    for number in range(5):
        next(answers)
        assert source.taken == 5, number
    next(answers)
    assert source.taken > 5


def test_a_source_that_is_slow_by_itself_is_not_waited_for(model: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    source = Source(TEXTS[:20], seconds=PATIENCE / 4)
    monkeypatch.setattr(model.answerer, "_clock", lambda: source.now)
    answers = model.stream(source)
    next(answers)
    assert source.taken == 5
    assert sum(1 for _ in answers) == 19


def test_how_rows_come_does_not_change_an_answer(model: Model) -> None:
    together = np.stack([answer.embedding for answer in model.stream(TEXTS[:40])])  # type: ignore[union-attr]
    alone = np.stack([answer.embedding for answer in model.stream(TEXTS[:40], waits=lambda: True)])  # type: ignore[union-attr]
    np.testing.assert_allclose(together, alone, atol=1e-6)


def test_rows_before_a_bad_one_are_answered(model: Model) -> None:
    found: list[object] = []
    with pytest.raises(InputError, match="row 3: the text is empty"):
        found.extend(model.stream(["w1", "w2", "", "w3"]))
    assert len(found) == 2


def test_rows_before_the_end_of_a_broken_source_are_answered(model: Model) -> None:
    def broken() -> Iterator[str]:
        yield from TEXTS[:3]
        raise InputError("rows.jsonl:4: not valid JSON")

    found: list[object] = []
    with pytest.raises(InputError, match=r"rows.jsonl:4"):
        found.extend(model.stream(broken(), on_error="record"))
    assert len(found) == 3


def test_failures_alone_are_given_too(model: Model) -> None:
    endless = iter(lambda: "", None)
    answers = model.stream(endless, on_error="record")
    assert all(isinstance(next(answers), Failure) for _ in range(10))


def test_features_are_not_kept_till_the_end(tmp_path: Path) -> None:
    """A vector a token is what fills a memory: fewer rows at once."""
    make_peer(Sizes(), tmp_path / "model")
    features = bertkit.load(tmp_path / "model", task="feature-extraction", dtype="float32", batch_tokens=64)
    source = Source(["w1 w2 w3 w4 w5 w6 w7 w8"] * 200)
    held: list[int] = []
    run = features.answerer.engine.run
    features.answerer.engine.run = lambda windows: (held.append(len(windows)), run(windows))[1]  # type: ignore[method-assign]
    assert sum(1 for _ in features.stream(source)) == 200
    assert max(held) == 26, "four batches of 64 tokens, in texts of ten"
