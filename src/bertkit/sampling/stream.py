"""The endless stream of global batches that pre-training reads from shards.

A batch is a function of the seed and a position, and of nothing else: whoever goes on from a position gets what an
undisturbed run would have got. Shards are read in a shuffled order, and the samples of a shard in a shuffled order, new
ones in each epoch. Shapes: `T` packed tokens, `B` sequences, `M` masked tokens, `S` samples of a shard.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from typing import Self

import numpy as np

from bertkit.batching.counter_random import Words, mixed, uniform
from bertkit.batching.packed import Ids, Packed, positions_of
from bertkit.config.training import Masking, Sequences
from bertkit.corpora.shards import Shards
from bertkit.errors import InputError
from bertkit.sampling.framing import Framing, SequenceSource
from bertkit.sampling.masking import MaskRules, choose_masks
from bertkit.sampling.samples import Samples, no_samples, plan
from bertkit.sampling.sentence_pairs import too_few_documents
from bertkit.tokenization.tokenizer import Tokenizer


@dataclass(frozen=True, slots=True)
class Position:
    """How far the stream has been read.

    It counts the samples of one length. Where the length changes, go on from `shard_start`: the shard that was being
    read is planned again for the new length and read from its beginning.

    Attributes:
        epoch: from 0.
        shard: how many shards of the epoch, in its order, are behind.
        sample: how many samples of the shard, in its order, are behind.
    """

    epoch: int = 0
    shard: int = 0
    sample: int = 0

    def shard_start(self) -> Position:
        """The beginning of the shard that is being read."""
        return Position(self.epoch, self.shard, 0)

    def next_shard(self, shards: int) -> Position:
        """The beginning of the shard after it, of so many in an epoch."""
        more = self.shard + 1 < shards
        return Position(self.epoch, self.shard + 1, 0) if more else Position(self.epoch + 1, 0, 0)

    def record(self) -> dict[str, int]:
        """The position as what a checkpoint writes down."""
        return {"epoch": self.epoch, "shard": self.shard, "sample": self.sample}

    @classmethod
    def of(cls, record: Mapping[str, int]) -> Self:
        """The position that `record` wrote down."""
        return cls(record["epoch"], record["shard"], record["sample"])


@dataclass(frozen=True, slots=True)
class Planned:
    """A shard's samples in one epoch, in the order in which they are read.

    Attributes:
        order_S: the sample that is read at each place.
        key: the bits that the masks of its samples are a function of.
    """

    source: SequenceSource
    samples: Samples
    order_S: Ids
    key: Words

    def __len__(self) -> int:
        return len(self.order_S)


@dataclass(frozen=True, slots=True)
class Taken:
    """Samples of one planned shard, by their numbers in its plan."""

    planned: Planned
    numbers_B: Ids


class SampledBatch:
    """The sequences of one step, over all ranks and micro-batches. What is not packed costs nothing.

    Attributes:
        lengths: tokens of each sequence.
        taken: which samples they are.
    """

    lengths: tuple[int, ...]
    taken: tuple[Taken, ...]

    def __init__(self, taken: Sequence[Taken], framing: Framing, rules: MaskRules) -> None:
        self.taken = tuple(taken)
        self._framing, self._rules = framing, rules
        self._sources = [one.planned.source for one in taken for _ in one.numbers_B]
        self._parts_B4 = np.concatenate([one.planned.samples.parts_S4[one.numbers_B] for one in taken])
        self._second_B = np.concatenate([one.planned.samples.second_S[one.numbers_B] for one in taken])
        self._lengths_B = np.concatenate([one.planned.samples.lengths_S[one.numbers_B] for one in taken])
        self._keys_B = np.concatenate([mixed(one.planned.key, one.numbers_B) for one in taken])
        self.lengths = tuple(self._lengths_B.tolist())

    def pack(self, indices: Sequence[int]) -> Packed:
        """These sequences, packed and masked. A sequence is the same whichever others are packed with it."""
        picked = np.asarray(indices, np.int64)
        lengths_B = self._lengths_B[picked]
        sources = [self._sources[index] for index in indices]
        ids_T, segments_T = self._framing.frame(sources, self._parts_B4[picked], lengths_B)
        starts_B = np.cumsum(lengths_B) - lengths_B
        masks = choose_masks(ids_T, starts_B, self._keys_B[picked], self._rules)
        second_B = self._second_B[picked].astype(np.int64)
        return Packed(
            ids_T=masks.inputs_T,
            segments_T=segments_T,
            positions_T=positions_of(lengths_B),
            lengths=tuple(lengths_B.tolist()),
            targets={
                "masked_M": masks.masked_M,
                "masked_ids_M": ids_T[masks.masked_M],
                "second_B": second_B if self._framing.two_parts else second_B[:0],
            },
        )


class PretrainingStream:
    """Batches from folders of shards, which are read as one corpus.

    Args:
        corpora: open folders; the order of folders and shards counts, for the random numbers.
        tokenizer: the shards' own.
        short_share: share of samples whose length is drawn from all lengths (arrangements of two parts only).

    Raises:
        InputError: the shards have another vocabulary, too few documents for the arrangement, or no text; or the
            tokenizer lacks a token that is needed.
    """

    def __init__(
        self,
        corpora: Sequence[Shards],
        tokenizer: Tokenizer,
        *,
        arrangement: Sequences,
        masking: Masking,
        short_share: float,
        seed: int,
    ) -> None:
        _refuse(corpora, tokenizer, arrangement)
        self._places = [(corpus, place) for corpus in corpora for place in range(len(corpus))]
        self._tokenizer = tokenizer
        self._framing = Framing.of(tokenizer, arrangement)
        self._rules = MaskRules.of(tokenizer, masking)
        self._arrangement = arrangement
        self._short_share = short_share
        self._seed = seed

    def batches(self, position: Position, *, length: int, batch_tokens: int) -> Iterator[tuple[SampledBatch, Position]]:
        """The batches from a position on, without end, each with the position after it.

        A batch is as many of the next samples as fit into `batch_tokens`, and at least one; it goes on over the ends of
        shards and epochs. The next shard is planned in a thread beside, which ends when the iterator is closed.

        Args:
            length: most tokens of a sequence. A position belongs to its length: see `Position`.

        Raises:
            InputError: the position is not one of these shards, or no shard gives a sample.
        """
        taken: list[Taken] = []
        room = batch_tokens
        with closing(self._planned_from(position, length)) as shards:
            for start, planned in shards:
                ends_S = np.cumsum(planned.samples.lengths_S[planned.order_S])
                begin = start.sample
                while begin < len(planned):
                    behind = int(ends_S[begin - 1]) if begin else 0
                    end = max(begin, int(np.searchsorted(ends_S, behind + room, side="right")))
                    if end == begin and not taken:
                        end += 1  # longer than a batch: one alone
                    if end > begin:
                        taken.append(Taken(planned, planned.order_S[begin:end]))
                        room -= int(ends_S[end - 1]) - behind
                    if end < len(planned):  # the next one does not fit; else the next shard says
                        yield self._batch(taken), Position(start.epoch, start.shard, end)
                        taken, room = [], batch_tokens
                    begin = end

    def evaluation(self, n: int, *, length: int, batch_tokens: int = 32_768) -> list[SampledBatch]:
        """The first `n` samples of epoch 0, or all where there are fewer, as batches; always the same ones.

        Raises:
            InputError: there is none.
        """
        batches: list[SampledBatch] = []
        taken: list[Taken] = []
        room = batch_tokens
        for planned in (self.planned(0, place, length) for place in range(len(self._places))):
            for number in planned.order_S[:n].tolist():
                tokens = int(planned.samples.lengths_S[number])
                if taken and tokens > room:
                    batches.append(self._batch(taken))
                    taken, room = [], batch_tokens
                taken.append(Taken(planned, np.array([number])))
                room -= tokens
            n -= min(n, len(planned))
            if not n:
                break
        if taken:
            batches.append(self._batch(taken))
        if not batches:
            raise _no_samples(self._arrangement)
        return batches

    def planned(self, epoch: int, place: int, length: int) -> Planned:
        """The samples of one shard, the one at `place` of an epoch's order."""
        number = int(np.argsort(uniform(self._seed, "shards", epoch, np.arange(len(self._places))))[place])
        corpus, within = self._places[number]
        shard = corpus[within]
        if self._arrangement == "next-sentence" and shard.documents < 2:
            samples = no_samples(shard)  # the last shard may have one document: it is left out, and counted
        else:
            samples = plan(
                shard,
                self._arrangement,
                length=length,
                frame=self._tokenizer.template,
                seed=self._seed,
                epoch=epoch,
                shard_number=number,
                short_share=self._short_share,
            )
        order_S = np.argsort(uniform(self._seed, "order", epoch, number, np.arange(len(samples))), kind="stable")
        return Planned(SequenceSource.of(shard), samples, order_S, mixed(self._seed, "masks", epoch, number))

    def _planned_from(self, position: Position, length: int) -> Generator[tuple[Position, Planned]]:
        """The planned shards from a position on, without end, each with where in it to begin."""
        if not 0 <= position.shard < len(self._places):
            raise _not_here(position, f"{len(self._places)} shards")
        empty = 0
        with ThreadPoolExecutor(1, "bertkit-plan") as pool:
            coming = pool.submit(self.planned, position.epoch, position.shard, length)
            while True:
                planned = coming.result()
                if not 0 <= position.sample <= len(planned):
                    raise _not_here(position, f"{len(planned)} samples of {length} tokens in that shard")
                empty = 0 if len(planned) else empty + 1
                if empty == 2 * len(self._places) - 1:  # all of an epoch, wherever it began
                    raise _no_samples(self._arrangement)
                later = position.next_shard(len(self._places))
                coming = pool.submit(self.planned, later.epoch, later.shard, length)
                yield position, planned
                position = later

    def _batch(self, taken: Sequence[Taken]) -> SampledBatch:
        return SampledBatch(taken, self._framing, self._rules)


def _refuse(corpora: Sequence[Shards], tokenizer: Tokenizer, arrangement: Sequences) -> None:
    """Says at once what would otherwise come up when a shard is reached, perhaps after hours."""
    vocab_sha256 = tokenizer.vocab_sha256()
    for corpus in corpora:
        if corpus.manifest.vocab_sha256 != vocab_sha256:
            raise InputError(
                f"{corpus.folder}: the ids are of another vocabulary than the tokenizer's",
                "Use the tokenizer that is beside the shards, and shards that were prepared with one tokenizer.",
            )
    folders = ", ".join(str(corpus.folder) for corpus in corpora) or "no shards"
    if not any(corpus.manifest.tokens for corpus in corpora):
        raise InputError(f"no text in {folders}")
    if arrangement == "next-sentence" and not any(
        entry.documents > 1 for corpus in corpora for entry in corpus.manifest.shards
    ):
        raise too_few_documents(folders)


def _no_samples(arrangement: Sequences) -> InputError:
    return InputError(
        f"the shards give no sample for {arrangement}: no document has two sentences",
        'Choose data.sequences = "full-sentences" or "documents", or prepare documents of more sentences.',
    )


def _not_here(position: Position, there_is: str) -> InputError:
    return InputError(
        f"the data has no position {position.record()}: there are {there_is}",
        "Go on with the shards, the length and the arrangement that the run was started with.",
    )
