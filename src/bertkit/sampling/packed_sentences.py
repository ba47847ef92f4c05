"""Samples of one part: whole sentences up to the length, over the ends of documents or not (Liu et al. 2019, 4.2).

Nothing is lost. A sentence that is longer than the room is cut into as few pieces as it needs. So that sequences differ
between epochs, some end early: of each document the first one, by no more than leaves the number of its sequences as it
is; over the ends of documents one in `FRESH`, at any length (two cuts of one text soon fall on the same sentence again,
so one early end would not do).
Shapes: `U` units (sentences, and pieces of long ones), `S` samples.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from bertkit.batching.counter_random import Words, integers
from bertkit.corpora.boundaries import document_token_ends, sentence_token_ends
from bertkit.corpora.shards import Shard

Offsets = npt.NDArray[np.int64]
FRESH = 16


def plan_one_part(shard: Shard, room: int, key: Words, *, over_documents: bool) -> tuple[Offsets, Offsets]:
    """The parts of a shard, (S, 2), and how many separators stand inside each, (S,).

    Args:
        room: most tokens of a part, separators inside it included: one where a document ends.
        over_documents: a part may go on into the next document.
    """
    documents = document_token_ends(shard)
    ends = _pieces(sentence_token_ends(shard), room, key)
    rooms = np.full(len(ends), room)
    if over_documents:
        early = np.append(0, np.flatnonzero(integers(FRESH, key, "fresh", np.arange(len(ends))) == 0))
        rooms[early] = 1 + integers(room, key, "phase", early)
        # How many documents end at or before each boundary; a separator stands for each but one that ends right there.
        until = np.searchsorted(documents[1:], ends, side="right")
        before = np.searchsorted(documents[1:], ends, side="left")
        limits = np.full(len(ends), len(ends) - 1)
    else:
        rooms[np.searchsorted(ends, documents[:-1])] = _first_rooms(np.diff(documents), room, key, "document")
        until = before = np.zeros_like(ends)
        stops = np.searchsorted(ends, documents)
        limits = np.append(np.repeat(stops[1:], np.diff(stops)), len(ends))
    # From each boundary the furthest that can be reached, and at least the next: a drawn room may be too small for one.
    reached = np.searchsorted(ends + before, ends + until + rooms, side="right") - 1
    places = _followed(np.clip(reached, np.arange(1, len(ends) + 1), limits), len(ends) - 1)
    return np.stack([ends[places[:-1]], ends[places[1:]]], axis=1), before[places[1:]] - until[places[:-1]]


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
    return np.sort(np.concatenate([ends, cuts]))


def _followed(reached: Offsets, last: int) -> Offsets:
    """The boundaries that are met from the first one on, going from each to the one it reaches."""
    onward: list[int] = reached.tolist()
    place, places = 0, [0]
    while place < last:
        place = onward[place]
        places.append(place)
    return np.array(places, np.int64)
