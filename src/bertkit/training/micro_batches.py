"""A global batch divided among ranks, and each rank's share into what it computes at once (gradient accumulation).

The *global batch* is all sequences of one step, whoever computes them. A *micro-batch* is what goes through the model
at once, on one rank. Sequences are dealt by their tokens, not by their number, for these are what a step's time and
memory depend on: packed without padding, ten sequences of 50 tokens cost about as much as one of 500. How they are
dealt changes no gradient (see `step.py`), only who is busy how long.
"""

from __future__ import annotations

import math
import queue
import threading
from collections.abc import Generator, Iterator, Sequence
from typing import TypeVar

import torch
from torch import Tensor

from bertkit.batching.grouping import balance_by_tokens
from bertkit.batching.layout import PackedLayout
from bertkit.batching.packed import GlobalBatch, Packed
from bertkit.batching.token_batch import TokenBatch
from bertkit.batching.training_batch import TrainingBatch
from bertkit.training.ranks import Ranks

Item = TypeVar("Item")


def divide(lengths: Sequence[int], ranks: int, micro_batch_tokens: int, splits: int = 1) -> list[list[list[int]]]:
    """For each rank its micro-batches, as indices of the global batch's sequences.

    Every rank has the same number of them; where there are fewer sequences than ranks, as in an epoch's last batch,
    some have one and some none.

    Args:
        micro_batch_tokens: about so many tokens go into one.
        splits: how many times as many micro-batches are made, where memory did not suffice.
    """
    # All micro-batches of all ranks are made at once, so that they are alike; then ranks take turns. Ranks that have as
    # many, of as many tokens each, are done at about the same time.
    wanted = math.ceil(sum(lengths) / (ranks * micro_batch_tokens)) * splits
    groups = balance_by_tokens(lengths, ranks * min(wanted, most_micro_batches(lengths, ranks)))
    return [[group for group in groups[rank::ranks] if group] for rank in range(ranks)]


def most_micro_batches(lengths: Sequence[int], ranks: int) -> int:
    """How many micro-batches a rank can have at most, so that all have as many and none is empty."""
    return max(1, len(lengths) // ranks)


def shares(batch: GlobalBatch, ranks: Ranks, micro_batch_tokens: int, splits: int) -> list[TrainingBatch]:
    """This rank's micro-batches, on the host."""
    indices = divide(batch.lengths, ranks.count, micro_batch_tokens, splits)[ranks.rank]
    return [as_tensors(batch.pack(group)) for group in indices]


def as_tensors(packed: Packed) -> TrainingBatch:
    """The arrays of a micro-batch as tensors, without copying them."""
    tokens = TokenBatch(
        ids_T=torch.from_numpy(packed.ids_T),
        segments_T=torch.from_numpy(packed.segments_T),
        positions_T=torch.from_numpy(packed.positions_T),
        layout=PackedLayout.of(packed.lengths),
    )
    return TrainingBatch(tokens, {name: torch.from_numpy(array) for name, array in packed.targets.items()})


def to_device(batch: TrainingBatch, device: torch.device) -> TrainingBatch:
    """The micro-batch on a device; nothing is waited for."""
    if device.type == "cpu":
        return batch

    def move(tensor: Tensor) -> Tensor:
        return tensor.pin_memory().to(device, non_blocking=True)

    return TrainingBatch(batch.tokens.moved(move), {name: move(tensor) for name, tensor in batch.targets.items()})


def ahead(items: Iterator[Item], depth: int = 2) -> Generator[Item]:
    """The items, made by a thread of their own up to `depth` ahead of who takes them.

    Packing and masking the next batches is numpy's work, so it is done while torch computes this one.

    An error of the iterator is raised where the item would have come. Closing this ends the thread.
    """
    made: queue.Queue[tuple[Item | None, BaseException | None]] = queue.Queue(depth)
    closed = threading.Event()

    def put(item: Item | None, error: BaseException | None) -> None:
        while not closed.is_set():
            try:  # for a short while, again and again: nobody may be taking any more
                made.put((item, error), timeout=0.1)
            except queue.Full:
                continue
            return

    def make() -> None:
        try:
            for item in items:
                put(item, None)
                if closed.is_set():
                    return
            put(None, StopIteration())
        except BaseException as error:
            put(None, error)

    thread = threading.Thread(target=make, name="micro-batches", daemon=True)
    thread.start()
    try:
        while True:
            item, error = made.get()
            if isinstance(error, StopIteration):
                return
            if error is not None:
                raise error
            yield item  # type: ignore[misc]
    finally:
        closed.set()
        thread.join()
