from __future__ import annotations

from itertools import islice

import numpy as np

from bertkit.sampling.sample_stream import Sample, SampleStream
from bertkit.sampling.stream import Position

SAMPLES = [
    Sample(([number] * (number % 3 + 1), [50 + number]), ([0] * (number % 3 + 1), [1]), {"label_B": np.array([number])})
    for number in range(7)
]


def labels(position: Position, batches: int, seed: int = 3) -> list[list[int]]:
    stream = SampleStream(SAMPLES, 3, seed)
    taken = islice(stream.batches(position), batches)
    return [batch.pack(range(len(batch.lengths))).targets["label_B"].tolist() for batch, _ in taken]


def test_an_epoch_has_every_sample_once_and_the_next_another_order() -> None:
    found = labels(Position(), 6)
    assert [len(batch) for batch in found] == [3, 3, 1, 3, 3, 1]
    first, second = ([one for batch in half for one in batch] for half in (found[:3], found[3:]))
    assert sorted(first) == sorted(second) == list(range(7))
    assert first != second
    assert found == labels(Position(), 6)
    assert found != labels(Position(), 6, seed=4)


def test_going_on_from_any_position() -> None:
    whole = labels(Position(), 7)
    positions = [position for _, position in islice(SampleStream(SAMPLES, 3, 3).batches(Position()), 6)]
    assert [labels(position, 1) for position in positions] == [[batch] for batch in whole[1:]]


def test_a_sample_stays_in_one_piece() -> None:
    batch, _ = next(SampleStream(SAMPLES, 7, 0).batches(Position()))
    packed = batch.pack([2, 0])
    assert sum(packed.lengths) == batch.lengths[2] + batch.lengths[0] == len(packed.ids_T)
    assert len(packed.lengths) == 4
    starts = np.cumsum([0, *packed.lengths[:-1]])
    assert (packed.positions_T[starts] == 0).all()
    number = int(packed.targets["label_B"][0])
    assert packed.ids_T[: packed.lengths[0]].tolist() == SAMPLES[number].ids[0]
    assert packed.segments_T[packed.lengths[0]] == 1
