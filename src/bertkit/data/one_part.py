"""Samples of one part: whole sentences up to the length, over the ends of documents or not (Liu et al. 2019, 4.2).

Nothing is lost. A sentence that is longer than the room is cut into as few pieces as it needs; where the cuts are, and
where the first sequence ends, is drawn anew each epoch, so that sequences differ between epochs.
Shapes: `U` units (sentences, and pieces of long ones), `S` samples.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from bertkit.data.counter_random import Words, integers
from bertkit.data.shards import Shard

Offsets = npt.NDArray[np.int64]


def plan_one_part(shard: Shard, room: int, key: Words, *, over_documents: bool) -> tuple[Offsets, Offsets]:
    """The parts of a shard, (S, 2), and how many separators stand inside each, (S,).

    Args:
        room: most tokens of a part, separators inside it included: one where a document ends.
        over_documents: a part may go on into the next document.
    """
    documents = np.unique(np.asarray(shard.sentence_ends)[np.asarray(shard.document_ends)].astype(np.int64))
    ends = _pieces(np.unique(np.asarray(shard.sentence_ends).astype(np.int64)), room, key)
    # Of the boundaries between units, those where a document ends; `until[b]` counts them up to b and with it.
    until = np.searchsorted(documents[1:], ends, side="right")
    is_end = np.zeros(len(ends), bool)
    is_end[np.searchsorted(ends, documents)] = True
    is_end[0] = False
    rooms = np.full(len(ends), room)
    if over_documents:
        rooms[0] = 1 + int(integers(room, key, "phase"))
        before = until - is_end  # a separator stands only before more text
    else:
        starts = np.searchsorted(ends, documents[:-1])
        rooms[starts] = _first_rooms(np.diff(documents), room, key, "document")
        until = before = np.zeros_like(until)
    # From each boundary the furthest one that can be reached, and at least the next: a first room may be too small.
    reached = np.searchsorted(ends + before, ends + until + rooms, side="right") - 1
    reached = np.maximum(reached, np.arange(1, len(ends) + 1))
    if not over_documents:
        stops = np.searchsorted(ends, documents)
        reached = np.minimum(
            reached, stops[np.minimum(np.searchsorted(stops, np.arange(len(ends)), "right"), len(stops) - 1)]
        )
    places = _followed(reached, len(ends) - 1)
    parts_S2 = np.stack([ends[places[:-1]], ends[places[1:]]], axis=1)
    return parts_S2, before[places[1:]] - until[places[:-1]]


def _first_rooms(lengths: Offsets, room: int, key: Words, name: str) -> Offsets:
    """How long the first piece of each length is to be: any that does not make one more piece of it than need be."""
    slack = -lengths % room
    drawn = room - integers(slack + 1, key, name, np.arange(len(lengths)))
    return np.where(lengths <= room, room, drawn)


def _pieces(ends: Offsets, room: int, key: Words) -> Offsets:
    """The ends of sentences, and between them the ends of the pieces of those that are longer than the room."""
    lengths = np.diff(ends)
    long = np.flatnonzero(lengths > room)
    if not len(long):
        return ends
    firsts = _first_rooms(lengths[long], room, key, "sentence")
    counts = 1 + (lengths[long] - firsts - 1) // room  # cuts: after the first piece, and then after each full one
    nth = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
    cuts = np.repeat(ends[long] + firsts, counts) + nth * room
    return np.union1d(ends, cuts)


def _followed(reached: Offsets, last: int) -> Offsets:
    """The boundaries that are met from the first one on, going from each to the one it reaches."""
    onward: list[int] = reached.tolist()
    place, places = 0, [0]
    while place < last:
        place = onward[place]
        places.append(place)
    return np.array(places, np.int64)
