"""What is in shards, and what pre-training makes of them: measured, so that nothing that is lost or cut is silent."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from bertkit.config.training import Masking, Sequences
from bertkit.data.audit_pairs import FalsePairs, false_pairs
from bertkit.data.counter_random import mixed
from bertkit.data.framing import Source
from bertkit.data.samples import TWO_PARTS
from bertkit.data.shards import Shard, Shards
from bertkit.data.stream import Packed, Planned, PretrainingStream
from bertkit.tokenization.tokenizer import Tokenizer

EXAMINED_SAMPLES, EXAMINED_PAIRS, EXAMPLES = 20_000, 5_000, 6
_BLOCK_TOKENS = 1 << 20


@dataclass(frozen=True, slots=True)
class Histogram:
    """How many things have which length, in tokens: `counts[k]` of them from `edges[k]` up to below `edges[k + 1]`."""

    edges: list[int]
    counts: list[int]
    mean: float
    median: int
    longest: int


@dataclass(frozen=True, slots=True)
class Filling:
    """How much of a batch is tokens, over the batches that were looked at.

    Attributes:
        share: of `batch_tokens` that sequences take.
        padded_to_length, padded_to_longest: share that would be tokens, the rest padding, if the same sequences were
            padded to the length asked for, or to the longest in their batch.
    """

    batches: int
    batch_tokens: int
    share: float
    padded_to_length: float
    padded_to_longest: float


@dataclass(frozen=True, slots=True)
class Example:
    """A sequence to read, masks shown as `{what stood there→what stands there}`, `=` for the same.

    Attributes:
        second: "follows", "does not follow" or "comes before" (the parts have changed places); None for one part.
    """

    text: str
    second: str | None


@dataclass(frozen=True, slots=True)
class Audit:
    """The report; every share is between 0 and 1.

    Attributes:
        unknown_share, special_share: of the tokens, those that are the unknown token, and other special tokens.
        duplicate_documents: documents whose tokens are, all of them, those of an earlier one.
        samples: of one epoch.
        left_out_sentences: those that no sample of the epoch begins with or goes on to, for they stand alone.
        trimmed_samples, trimmed_tokens: samples that lost tokens to the length, and how many; the share is of the
            tokens that they and all other samples would have had.
        not_next_share: of samples of two parts, those whose second does not follow; None for one part.
        false_pairs: None for arrangements without parts of other documents.
        masked_share: of the tokens of text, those to predict.
    """

    folder: str
    documents: int
    sentences: int
    tokens: int
    sentence_lengths: Histogram
    document_lengths: Histogram
    unknown_share: float
    special_share: float
    duplicate_documents: int
    duplicate_share: float
    arrangement: Sequences
    length: int
    samples: int
    sample_lengths: Histogram
    left_out_sentences: int
    left_out_share: float
    trimmed_samples: int
    trimmed_samples_share: float
    trimmed_tokens: int
    trimmed_tokens_share: float
    filling: Filling
    not_next_share: float | None
    false_pairs: FalsePairs | None
    masked_share: float
    examples: list[Example]

    def record(self) -> dict[str, object]:
        """The report as what JSON can hold."""
        record = dataclasses.asdict(self)
        if self.false_pairs is not None:
            record["false_pairs"] = self.false_pairs.record()
        return record


@dataclass(frozen=True, slots=True)
class _Text:
    """Counts of one shard's text."""

    unknown: int
    special: int
    hashes_D: npt.NDArray[np.uint64]


@dataclass(frozen=True, slots=True)
class _Made:
    """What one shard's samples are like."""

    lengths_S: npt.NDArray[np.int64]
    left_out: int
    trimmed_samples: int
    trimmed_tokens: int
    not_next: int
    false: FalsePairs | None


@dataclass(frozen=True, slots=True)
class _Batches:
    """What the first batches are like."""

    filling: Filling
    masked_share: float
    examples: list[Example]


def audit(
    shards: Shards,
    tokenizer: Tokenizer,
    *,
    arrangement: Sequences,
    length: int,
    batch_tokens: int = 32_768,
    progress: Callable[[int], None] = lambda tokens: None,
) -> Audit:
    """Measures shards, and the samples of one epoch of seed 0.

    All text is read and all samples are planned; batched and masked are `EXAMINED_SAMPLES`, and of the pairs that
    do not follow `EXAMINED_PAIRS`, spread evenly over the shards, are compared.

    Args:
        progress: called with numbers of tokens that have been read.

    Raises:
        InputError: as `PretrainingStream`.
    """
    stream = PretrainingStream([shards], tokenizer, arrangement=arrangement, masking=Masking(), short_share=0.1, seed=0)
    texts, made = [], []
    for place, shard in enumerate(shards):
        texts.append(_text(shard, tokenizer))
        made.append(_made(stream.planned(0, place, length), arrangement, -(-EXAMINED_PAIRS // len(shards))))
        progress(len(shard.tokens))
    batches = _batches(stream, tokenizer, arrangement, length, batch_tokens)
    manifest = shards.manifest
    hashes_D = np.concatenate([text.hashes_D for text in texts])
    duplicates = len(hashes_D) - len(np.unique(hashes_D))
    lengths_S = np.concatenate([one.lengths_S for one in made])
    trimmed_samples = sum(one.trimmed_samples for one in made)
    trimmed_tokens = sum(one.trimmed_tokens for one in made)
    left_out = sum(one.left_out for one in made)
    false = [one.false for one in made if one.false is not None]
    return Audit(
        folder=str(shards.folder),
        documents=manifest.documents,
        sentences=manifest.sentences,
        tokens=manifest.tokens,
        sentence_lengths=_histogram(np.concatenate([np.diff(shard.sentence_ends) for shard in shards])),
        document_lengths=_histogram(np.concatenate([np.diff(Source.of(shard).document_ends) for shard in shards])),
        unknown_share=sum(text.unknown for text in texts) / manifest.tokens,
        special_share=sum(text.special for text in texts) / manifest.tokens,
        duplicate_documents=duplicates,
        duplicate_share=_share(duplicates, len(hashes_D)),
        arrangement=arrangement,
        length=length,
        samples=len(lengths_S),
        sample_lengths=_histogram(lengths_S),
        left_out_sentences=left_out,
        left_out_share=_share(left_out, manifest.sentences),
        trimmed_samples=trimmed_samples,
        trimmed_samples_share=_share(trimmed_samples, len(lengths_S)),
        trimmed_tokens=trimmed_tokens,
        trimmed_tokens_share=_share(trimmed_tokens, int(lengths_S.sum()) + trimmed_tokens),
        filling=batches.filling,
        not_next_share=sum(one.not_next for one in made) / len(lengths_S) if arrangement in TWO_PARTS else None,
        false_pairs=FalsePairs.total(false) if arrangement == "next-sentence" else None,
        masked_share=batches.masked_share,
        examples=batches.examples,
    )


def _text(shard: Shard, tokenizer: Tokenizer) -> _Text:
    """Counts the tokens that say nothing, and hashes every document's tokens, some documents at a time."""
    source = Source.of(shard)
    specials = tokenizer.specials
    others = np.array(sorted(specials.all - {specials.unk}), np.int64)
    unknown, special, hashes = 0, 0, [np.zeros(0, np.uint64)]
    ends, first = source.document_ends, 0
    while first < len(ends) - 1:
        last = max(first + 1, int(np.searchsorted(ends, ends[first] + _BLOCK_TOKENS, side="right")) - 1)
        tokens = source.tokens[ends[first] : ends[last]].astype(np.int64)
        starts = ends[first:last] - ends[first]
        unknown += int((tokens == specials.unk).sum()) if specials.unk is not None else 0
        special += int(np.isin(tokens, others).sum())
        places = np.arange(len(tokens)) - np.repeat(starts, np.diff(ends[first : last + 1]))
        hashes.append(np.add.reduceat(mixed(0, places, tokens), starts))
        first = last
    return _Text(unknown, special, np.concatenate(hashes))


def _made(planned: Planned, arrangement: Sequences, most_pairs: int) -> _Made:
    samples = planned.samples
    return _Made(
        lengths_S=samples.lengths_S,
        left_out=samples.left_out_sentences,
        trimmed_samples=int((samples.trimmed_S > 0).sum()),
        trimmed_tokens=int(samples.trimmed_S.sum()),
        not_next=int((samples.second_S == 1).sum()),
        false=false_pairs(planned.source, samples, most_pairs) if arrangement == "next-sentence" else None,
    )


def _batches(
    stream: PretrainingStream, tokenizer: Tokenizer, arrangement: Sequences, length: int, batch_tokens: int
) -> _Batches:
    tokens = sequences = longest = text = masked = 0
    batches = stream.evaluation(EXAMINED_SAMPLES, length=length, batch_tokens=batch_tokens)
    batches = batches[:-1] or batches  # the last one ends where the samples do
    special_V = np.zeros(tokenizer.vocab_size, bool)
    special_V[list(tokenizer.specials.all)] = True
    examples: list[Example] = []
    for batch in batches:
        packed = batch.pack(range(len(batch.lengths)))
        tokens += sum(batch.lengths)
        sequences += len(batch.lengths)
        longest += len(batch.lengths) * max(batch.lengths)
        masked += len(packed.masked_M)
        ids_T = packed.ids_T.copy()
        ids_T[packed.masked_M] = packed.masked_ids_M
        text += int((~special_V[ids_T]).sum())
        if not examples:
            shown = range(min(EXAMPLES, len(packed.lengths)))
            examples = [_example(packed, index, arrangement, tokenizer) for index in shown]
    used = tokens / (len(batches) * batch_tokens)
    filling = Filling(len(batches), batch_tokens, used, tokens / (sequences * length), tokens / longest)
    return _Batches(filling, masked / text, examples)


def _example(packed: Packed, index: int, arrangement: Sequences, tokenizer: Tokenizer) -> Example:
    start = sum(packed.lengths[:index])
    stood = dict(zip(packed.masked_M.tolist(), packed.masked_ids_M.tolist(), strict=True))
    ids = packed.ids_T[start : start + packed.lengths[index]].tolist()
    text = ""
    for place, id in enumerate(ids, start):
        # The written-out token, with the space before it where there is one.
        written = tokenizer.write(text + " ", stood.get(place, id))[len(text) :]
        if place in stood:
            space = written[: len(written) - len(written.lstrip())]
            now = "=" if stood[place] == id else tokenizer.token(id)
            written = f"{space}{{{written.strip()}→{now}}}"
        text += written
    second = None
    if len(packed.second_B):
        other = "does not follow" if arrangement == "next-sentence" else "comes before"
        second = other if packed.second_B[index] else "follows"
    return Example(text.strip(), second)


def _histogram(lengths: npt.NDArray[np.integer]) -> Histogram:
    """By powers of two, each halved from 8 on."""
    lengths = lengths if len(lengths) else np.zeros(1, np.int64)
    longest = int(lengths.max())
    edges = [0, 1, 2, 4]
    while edges[-1] <= longest:
        power = 1 << (edges[-1].bit_length() - 1)
        edges.append(edges[-1] + max(power // 2, 1))
    counts = np.histogram(lengths, np.array(edges))[0]
    return Histogram(edges, counts.tolist(), float(lengths.mean()), int(np.median(lengths)), longest)


def _share(part: int, whole: int) -> float:
    return part / whole if whole else 0.0
