"""A back end is its own file: this one, which knows nothing but numpy, answers through `predict`."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import bertkit
from bertkit.batching.packed import PackedBatch
from bertkit.errors import NotFinite, UserError
from bertkit.inference.backend import Backend, BatchShape, Outputs
from bertkit.pretrained.checkpoint import Pretrained
from bertkit.tasks.contract import Task
from tests.parity.task_peers import make_task_peer

TEXTS = ["w1 w2", "w3", "w4 w5 w6 w7 w8 w9"]


class CountIds(Backend):
    """Its logits are how many ids of a sequence have each remainder; it pads."""

    shape = BatchShape(buckets=(4, 8, 16))
    dtype, device = "int64", "abacus"

    def __init__(self, pretrained: Pretrained, task: Task) -> None:
        self.readout = task.readout
        self.costs: list[int] = []
        self.unit = np.float32(1.0)

    def run(self, batch: PackedBatch) -> Outputs:
        self.costs.append(sum(self.shape.cost(length, max(batch.lengths)) for length in batch.lengths))
        rows = []
        for ids in np.split(batch.ids_T, np.cumsum(batch.lengths)[:-1]):
            rows.append(self.unit + np.bincount(ids % self.readout.classes, minlength=self.readout.classes))
        return (np.array(rows, np.float32),)

    def blame(self) -> str:
        return "for a bead is missing"


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
