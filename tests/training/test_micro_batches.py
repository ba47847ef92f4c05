from __future__ import annotations

import threading
from collections.abc import Iterator
from math import ceil
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bertkit.config.training import Masking
from bertkit.errors import UserError
from bertkit.sampling.stream import Position, PretrainingStream
from bertkit.training.micro_batches import ahead, divide, most_micro_batches, shares
from bertkit.training.ranks import Ranks
from tests.corpora.shard_files import numbered_tokenizer, random_shard, write_shards
from tests.training.in_process import CPU

LENGTHS = st.lists(st.integers(1, 50), min_size=4, max_size=60)
FEW_LENGTHS = st.lists(st.integers(1, 50), min_size=1, max_size=60)


@given(FEW_LENGTHS, st.integers(1, 9), st.integers(20, 400), st.sampled_from([1, 2, 8]))
def test_every_sequence_is_in_one_micro_batch_of_one_rank(
    lengths: list[int], ranks: int, budget: int, splits: int
) -> None:
    divided = divide(lengths, ranks, budget, splits)
    assert len(divided) == ranks
    assert len({len(micro) for micro in divided}) == 1 or {len(micro) for micro in divided} == {0, 1}
    assert len(divided[0]) <= most_micro_batches(lengths, ranks)
    groups = [group for micro in divided for group in micro]
    assert all(groups)
    assert sorted(index for group in groups for index in group) == list(range(len(lengths)))


@given(LENGTHS, st.integers(1, 4), st.integers(20, 400))
def test_a_micro_batch_has_about_the_budget(lengths: list[int], ranks: int, budget: int) -> None:
    sizes = [sum(lengths[index] for index in group) for micro in divide(lengths, ranks, budget) for group in micro]
    assert max(sizes) <= max(budget + max(lengths), ceil(sum(lengths) / len(sizes)) + max(lengths))
    assert max(sizes) - min(sizes) <= max(lengths)


def test_numbers_of_micro_batches() -> None:
    def numbers(tokens: int, budget: int, ranks: int = 1, splits: int = 1) -> int:
        return len(divide([10] * (tokens // 10), ranks, budget, splits)[0])

    assert numbers(100, 1000) == 1
    assert numbers(100, 100) == 1
    assert numbers(100, 99) == 2
    assert numbers(100, 50, ranks=2) == 1
    assert numbers(100, 50, splits=2) == 4
    assert numbers(100, 50, splits=64) == 10  # one sequence each, and no fewer


def test_fewer_sequences_than_ranks() -> None:
    assert divide([5, 5], 3, 100) == [[[0]], [[1]], []]
    assert divide([5, 5], 3, 100, splits=64) == [[[0]], [[1]], []]
    assert most_micro_batches([5, 5], 3) == 1


def test_the_ranks_shares_are_the_batch(tmp_path: Path) -> None:
    tokenizer = numbered_tokenizer(tmp_path / "vocabulary")
    shards = write_shards(tmp_path / "shards", tokenizer, [random_shard(1, documents=30)])
    stream = PretrainingStream(
        [shards], tokenizer, arrangement="next-sentence", masking=Masking(), short_share=0.1, seed=0
    )
    batch, _ = next(stream.batches(Position(), length=32, batch_tokens=600))
    whole = batch.pack(range(len(batch.lengths)))
    each = [share for rank in range(2) for share in shares(batch, Ranks(rank, 2, CPU, None), 100, 1)]
    assert len(each) == 6
    assert sum(len(share.tokens.ids_T) for share in each) == len(whole.ids_T)
    assert sum(len(share.targets["second_B"]) for share in each) == len(batch.lengths)
    masked = np.concatenate([share.targets["masked_ids_M"] for share in each])
    assert sorted(masked.tolist()) == sorted(whole.targets["masked_ids_M"].tolist())
    for share in each:
        assert share.tokens.layout.lengths == tuple(np.diff(share.tokens.layout.cu_lengths_B1))
        starts_B = share.tokens.layout.cu_lengths_B1[:-1]
        assert (share.tokens.positions_T[starts_B] == 0).all()


def threads() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name == "micro-batches"]


def test_items_come_in_order_and_the_thread_ends() -> None:
    assert list(ahead(iter(range(50)))) == list(range(50))
    assert not threads()


def test_items_are_made_ahead_but_not_far() -> None:
    made: list[int] = []
    third = threading.Event()

    def items() -> Iterator[int]:
        for number in range(100):
            made.append(number)
            if number == 3:
                third.set()
            yield number

    taken = ahead(items(), depth=2)
    assert next(taken) == 0
    assert third.wait(10)  # one taken, two waiting, one in hand
    assert len(made) == 4
    taken.close()
    assert not threads()


def test_an_error_comes_after_the_items_before_it() -> None:
    def items() -> Iterator[int]:
        yield 1
        raise UserError("no more")

    taken = ahead(items())
    assert next(taken) == 1
    with pytest.raises(UserError, match="no more"):
        next(taken)
    assert not threads()
