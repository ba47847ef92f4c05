"""A back end is its own file: `tests/toys/toy_backend.py`, which knows nothing but numpy, answers through `predict`."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import bertkit
from bertkit.errors import NotFinite, UserError
from tests.parity.task_peers import make_task_peer
from tests.toys.toy_backend import CountIds

TEXTS = ["w1 w2", "w3", "w4 w5 w6 w7 w8 w9"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("model")
    make_task_peer("text-classification", folder)
    return folder


def test_a_back_end_of_its_own_file_answers(folder: Path) -> None:
    model = bertkit.load(folder, task="text-classification", backend=CountIds, batch_tokens=16)
    results = model.predict(TEXTS)
    for text, result in zip(TEXTS, results, strict=True):
        ids = model.answerer.pipeline.reader.tokenize(model.task.read({"text": text}))[text].ids
        counts = np.bincount(np.array([2, *ids, 3]) % 3, minlength=3)
        assert result.labels[0].label == model.task.labels[int(counts.argmax())]  # type: ignore[union-attr]
    assert results[0].record()["dtype"] == "int64"
    assert "int64 on abacus" in repr(model)
    backend = model.answerer.engine.backend
    assert isinstance(backend, CountIds)
    assert backend.costs == [16, 4], (
        "eight and four tokens in rows of eight; three, for which there is no room, in four"
    )


def test_what_needs_torch_says_so(folder: Path) -> None:
    model = bertkit.load(folder, task="text-classification", backend=CountIds)
    with pytest.raises(UserError, match="the network is in CountIds, not in torch"):
        model.encoder  # noqa: B018


def test_numbers_that_are_none_name_the_row_and_what_the_back_end_knows(folder: Path) -> None:
    model = bertkit.load(folder, task="text-classification", backend=CountIds)
    model.answerer.engine.backend.unit = np.inf  # type: ignore[attr-defined]
    with pytest.raises(NotFinite, match=r"row 1: the model's output is not finite.*for a bead is missing"):
        model.predict(TEXTS)
