"""Batches are filled by tokens, and what comes of them stands in the order of what was asked."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bertkit.batching.packed import PackedBatch
from bertkit.config.readout import Readout, Rows
from bertkit.inference.backend import Backend, BatchShape, Outputs
from bertkit.inference.engine import Engine
from bertkit.tasks.contract import Outcome, Reading, Result, Task
from bertkit.tokenization.tokenizer import Tokenizer
from bertkit.tokenization.windows import Window
from tests.corpora.shard_files import numbered_tokenizer


class Reads(Task):
    """A task that asks for rows of one kind; of masks, those are the even ids."""

    def __init__(self, tokenizer: Tokenizer, rows: Rows) -> None:
        super().__init__(tokenizer)
        self.rows = rows

    @property
    def readout(self) -> Readout:
        return Readout(self.rows)

    def named(self, window: Window) -> Sequence[int]:
        return [place for place, id in enumerate(window.ids) if id % 2 == 0]

    def decode(self, outcomes: Sequence[Outcome], reading: Reading) -> Result:
        raise NotImplementedError


class Echo(Backend):
    """Its outputs are the ids, twice as much behind them; of a sequence, their sum."""

    dtype, device = "int64", "abacus"

    def __init__(self, rows: Rows, buckets: tuple[int, ...] = ()) -> None:
        self.rows = rows
        self.shape = BatchShape(buckets)  # type: ignore[misc]
        self.seen: list[tuple[int, ...]] = []

    def run(self, batch: PackedBatch) -> Outputs:
        self.seen.append(batch.lengths)
        ids_T = batch.ids_T
        if self.rows == "sequence":
            ids_T = np.add.reduceat(ids_T, np.cumsum([0, *batch.lengths[:-1]]))
        if self.rows == "mask":
            ids_T = ids_T[batch.output_indices_M]
        else:
            assert batch.output_indices_M is None
        return ids_T.astype(np.float32), 2 * ids_T.astype(np.float32)


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory: pytest.TempPathFactory) -> Tokenizer:
    return numbered_tokenizer(tmp_path_factory.mktemp("tokenizer") / "folder")


def windows_of(sequences: list[list[int]]) -> list[Window]:
    return [Window(ids, [0] * len(ids), None, [range(len(ids))], [range(len(ids))]) for ids in sequences]


@pytest.mark.parametrize("rows", ["sequence", "token", "mask"])
@given(st.lists(st.lists(st.integers(0, 90), min_size=1, max_size=9), max_size=12), st.integers(1, 30))
def test_each_window_has_its_own_outputs(
    rows: Rows, tokenizer: Tokenizer, sequences: list[list[int]], budget: int
) -> None:
    backend = Echo(rows)
    found = Engine(backend, Reads(tokenizer, rows), budget).run(windows_of(sequences))
    of = {"sequence": lambda ids: [sum(ids)], "token": list, "mask": lambda ids: [id for id in ids if id % 2 == 0]}
    expected = [of[rows](ids) for ids in sequences]
    assert [(one.tolist(), twice.tolist()) for one, twice in found] == [
        (ids, [2 * id for id in ids]) for ids in expected
    ]
    assert sorted(length for lengths in backend.seen for length in lengths) == sorted(map(len, sequences))
    assert all(sum(lengths) <= budget or len(lengths) == 1 for lengths in backend.seen)


def test_a_back_end_of_fixed_shapes_is_filled_by_what_it_computes(tokenizer: Tokenizer) -> None:
    windows = windows_of([[1] * 5, [1] * 3, [1] * 3, [1] * 2])
    packed, padded = Echo("token"), Echo("token", (4, 8))
    for backend in (packed, padded):
        Engine(backend, Reads(tokenizer, "token"), 16).run(windows)
    assert packed.seen == [(5, 3, 3, 2)]
    assert padded.seen == [(5, 3), (3, 2)]
