"""Sequences of one part, filled with whole sentences: RoBERTa's FULL-SENTENCES and DOC-SENTENCES.

Liu et al. 2019 (arXiv 1907.11692), section 4.2: an input is "packed with full sentences sampled contiguously from one
or more documents", up to 512 tokens. FULL-SENTENCES goes on into the next document, with a separator between the two;
DOC-SENTENCES ends with its document, so that inputs near the end of one are short. (The paper then enlarges the batch
to make up for them. Here batches are filled by tokens anyway.)

Packed as the paper says, every epoch would read the same sequences: sentences in, the next sequence begins where the
last one ended. Dynamic masking (4.1) changes only the masks. Here the cuts are drawn anew in each epoch as well:

* Within documents the first sequence of a document is made shorter by a random number of tokens, which moves all cuts
  behind it. Counted in tokens, the document still needs no more sequences than without.
* Over the ends of documents one sequence in `FRESH` ends early, at any length. One early end alone would not do: all
  cuts are at ends of sentences, so two ways of cutting one text soon share one, and are the same from there on.

The paper does not say what happens to a sentence that is longer than a sequence. Here nothing is dropped: it is cut
into as few pieces as it needs, and each piece is then packed like a sentence.

A *boundary* is a place where a sequence may begin or end: the ends of sentences, and of pieces of long ones.
Shapes: `S` samples.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from bertkit.batching.counter_random import Words, integers
from bertkit.corpora.boundaries import document_token_ends, sentence_token_ends
from bertkit.corpora.shards import Shard

Offsets = npt.NDArray[np.int64]
FRESH = 16  # over the ends of documents, one boundary in so many has a sequence of random length begin there


def plan_one_part(shard: Shard, room: int, key: Words, *, over_documents: bool) -> tuple[Offsets, Offsets]:
    """The parts of a shard, (S, 2), and how many separators stand inside each, (S,).

    Args:
        room: most tokens of a part, separators inside it included: one where a document ends.
        over_documents: a part may go on into the next document.
    """
    # Planned for all boundaries at once: if a sequence began at this one, where would it end? Which boundaries do begin
    # a sequence is found last, by going from the first one to its end, which begins the next, and so on.
    documents = document_token_ends(shard)
    ends = _pieces(sentence_token_ends(shard), room, key)
    rooms = np.full(len(ends), room)
    if over_documents:
        early = np.append(0, np.flatnonzero(integers(FRESH, key, "fresh", np.arange(len(ends))) == 0))
        rooms[early] = 1 + integers(room, key, "phase", early)
        # Documents that end at or before each boundary (`until`), and that end before it (`before`). A sequence from
        # boundary i to boundary j has a separator for each document that ends inside of it, which are
        # before[j] - until[i]: none for one that ends right where the sequence begins, or where it ends.
        until = np.searchsorted(documents[1:], ends, side="right")
        before = np.searchsorted(documents[1:], ends, side="left")
        limits = np.full(len(ends), len(ends) - 1)  # only the shard's end stops a sequence
    else:
        rooms[np.searchsorted(ends, documents[:-1])] = _first_rooms(np.diff(documents), room, key, "document")
        until = before = np.zeros_like(ends)  # no separators: no document ends inside a sequence
        # Every boundary of a document may reach as far as the document's own end.
        stops = np.searchsorted(ends, documents)
        limits = np.append(np.repeat(stops[1:], np.diff(stops)), len(ends))
    # The sequence from i to j fits where its tokens and separators do:
    #     ends[j] - ends[i] + before[j] - until[i] <= rooms[i].
    # With all of i on one side, the other side rises with j, so one binary search finds the furthest j for every i.
    # It is the next boundary at least: a room that was drawn may be too small for even one sentence.
    reached = np.searchsorted(ends + before, ends + until + rooms, side="right") - 1
    places = _followed(np.clip(reached, np.arange(1, len(ends) + 1), limits), len(ends) - 1)
    return np.stack([ends[places[:-1]], ends[places[1:]]], axis=1), before[places[1:]] - until[places[:-1]]


def _first_rooms(lengths: Offsets, room: int, key: Words, name: str) -> Offsets:
    """How long the first piece of each length is to be: any that does not make one more piece of it than need be."""
    slack = -lengths % room  # what is unused in ceil(length / room) pieces: so much shorter the first one may be
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
    # The number of each cut within its own sentence: 0, 1, 2, 0, 1, 0, …, for all sentences end to end.
    nth = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
    cuts = np.repeat(ends[long] + firsts, counts) + nth * room
    return np.sort(np.concatenate([ends, cuts]))


def _followed(reached: Offsets, last: int) -> Offsets:
    """The boundaries that are met from the first one on, going from each to the one it reaches.

    Plain Python, for each step hangs on the one before it; there is one a sequence, not one a token.
    """
    onward: list[int] = reached.tolist()
    place, places = 0, [0]
    while place < last:
        place = onward[place]
        places.append(place)
    return np.array(places, np.int64)
