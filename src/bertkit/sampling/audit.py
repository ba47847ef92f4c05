"""What is in shards, and what pre-training makes of them: measured, so that nothing that is lost or cut is silent."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from bertkit.batching.counter_random import mixed
from bertkit.batching.packed import Packed
from bertkit.config.training import Masking, Sequences
from bertkit.corpora.boundaries import document_token_ends
from bertkit.corpora.shards import Shards
from bertkit.sampling.audit_pairs import FalsePairs, false_pairs
from bertkit.sampling.framing import SequenceSource
from bertkit.sampling.samples import NOT, TWO_PARTS
from bertkit.sampling.stream import PretrainingStream
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
class AuditedSequence:
    """A sequence to read, masks shown as `{what stood there→what stands there}`, `=` for the same.

    Attributes:
        second: "follows", "does not follow" or "comes before" (the parts have changed places); None for one part.
    """

    text: str
    second: str | None


@dataclass(frozen=True, slots=True)
class TextAudit:
    """What is in the shards; every share is between 0 and 1.

    Attributes:
        unknown_share, special_share: of the tokens, those that are the unknown token, and other special tokens.
        duplicate_documents: documents whose tokens are, all of them, those of another one that is kept beside them.
    """

    documents: int
    sentences: int
    tokens: int
    sentence_lengths: Histogram
    document_lengths: Histogram
    unknown_share: float
    special_share: float
    duplicate_documents: int
    duplicate_share: float


@dataclass(frozen=True, slots=True)
class SamplesAudit:
    """What an arrangement makes of the shards in one epoch.

    Attributes:
        left_out_sentences: sentences that stand alone where two parts need two; the share is of all sentences.
        trimmed_samples, trimmed_tokens: samples that lost tokens to the length, and how many; the share is of the
            tokens that all samples would have had.
        not_next_share: of samples of two parts, those whose second does not follow; None for one part.
        false_pairs: None where second parts are not taken from other documents.
    """

    samples: int
    lengths: Histogram
    left_out_sentences: int
    left_out_share: float
    trimmed_samples: int
    trimmed_samples_share: float
    trimmed_tokens: int
    trimmed_tokens_share: float
    not_next_share: float | None
    false_pairs: FalsePairs | None


@dataclass(frozen=True, slots=True)
class BatchesAudit:
    """What the batches that were looked at are like.

    Attributes:
        filled: share of `batch_tokens` that sequences take.
        padded_to_length, padded_to_longest: share that would be tokens, the rest padding, if the same sequences were
            padded to the length asked for, or to the longest in their batch.
        masked_share: of the tokens of text, those to predict.
    """

    batches: int
    batch_tokens: int
    filled: float
    padded_to_length: float
    padded_to_longest: float
    masked_share: float
    examples: list[AuditedSequence]


@dataclass(frozen=True, slots=True)
class Audit:
    """The report."""

    folder: str
    arrangement: Sequences
    length: int
    text: TextAudit
    samples: SamplesAudit
    batches: BatchesAudit

    def record(self) -> dict[str, object]:
        """The report as what JSON can hold."""
        return dataclasses.asdict(self)


def audit(
    shards: Shards,
    tokenizer: Tokenizer,
    *,
    arrangement: Sequences,
    length: int,
    batch_tokens: int = 32_768,
    progress: Callable[[int], None] = lambda tokens: None,
) -> Audit:
    """Measures shards, and the samples of one epoch of seed 0, masked as `Masking()` does.

    All text is read and all samples are planned; batched are `EXAMINED_SAMPLES`; of the pairs that do not follow,
    `EXAMINED_PAIRS` are compared, spread evenly over the shards.

    Args:
        progress: called with numbers of tokens that have been read.

    Raises:
        InputError: as `PretrainingStream`.
    """
    stream = PretrainingStream([shards], tokenizer, arrangement=arrangement, masking=Masking(), short_share=0.1, seed=0)
    return Audit(
        folder=str(shards.folder),
        arrangement=arrangement,
        length=length,
        text=_text(shards, tokenizer, progress),
        samples=_samples(stream, shards, arrangement, length),
        batches=_batches(stream, tokenizer, arrangement, length, batch_tokens),
    )


def _text(shards: Shards, tokenizer: Tokenizer, progress: Callable[[int], None]) -> TextAudit:
    specials = tokenizer.specials
    others = np.array(sorted(specials.all - {specials.unk}), np.int64)
    unknown, special, hashes = 0, 0, []
    for shard in shards:
        for tokens, starts in _blocks(SequenceSource.of(shard)):
            unknown += int((tokens == (-1 if specials.unk is None else specials.unk)).sum())
            special += int(np.isin(tokens, others).sum())
            places = np.arange(len(tokens)) - np.repeat(starts, np.diff(starts, append=len(tokens)))
            hashes.append(np.add.reduceat(mixed(0, places, tokens), starts))
            progress(len(tokens))
    hashes_D = np.concatenate(hashes)
    duplicates = len(hashes_D) - len(np.unique(hashes_D))
    manifest = shards.manifest
    return TextAudit(
        documents=manifest.documents,
        sentences=manifest.sentences,
        tokens=manifest.tokens,
        sentence_lengths=_histogram(np.concatenate([np.diff(shard.sentence_ends) for shard in shards])),
        document_lengths=_histogram(np.concatenate([np.diff(document_token_ends(shard)) for shard in shards])),
        unknown_share=_share(unknown, manifest.tokens),
        special_share=_share(special, manifest.tokens),
        duplicate_documents=duplicates,
        duplicate_share=_share(duplicates, len(hashes_D)),
    )


def _blocks(source: SequenceSource) -> Iterator[tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]]:
    """The tokens of some whole documents at a time, and where each of these begins among them."""
    ends, first = source.document_ends, 0
    while first < len(ends) - 1:
        last = max(first + 1, int(np.searchsorted(ends, ends[first] + _BLOCK_TOKENS, side="right")) - 1)
        yield source.tokens[ends[first] : ends[last]].astype(np.int64), ends[first:last] - ends[first]
        first = last


def _samples(stream: PretrainingStream, shards: Shards, arrangement: Sequences, length: int) -> SamplesAudit:
    lengths, left_out, trimmed_samples, trimmed_tokens, not_next = [], 0, 0, 0, 0
    false: list[FalsePairs] = []
    for place in range(len(shards)):
        planned = stream.planned(0, place, length)
        samples = planned.samples
        lengths.append(samples.lengths_S)
        left_out += samples.left_out_sentences
        trimmed_samples += int((samples.trimmed_S > 0).sum())
        trimmed_tokens += int(samples.trimmed_S.sum())
        not_next += int((samples.second_S == NOT).sum())
        if arrangement == "next-sentence":
            false.append(false_pairs(planned.source, samples, -(-EXAMINED_PAIRS // len(shards))))
    lengths_S = np.concatenate(lengths)
    return SamplesAudit(
        samples=len(lengths_S),
        lengths=_histogram(lengths_S),
        left_out_sentences=left_out,
        left_out_share=_share(left_out, shards.manifest.sentences),
        trimmed_samples=trimmed_samples,
        trimmed_samples_share=_share(trimmed_samples, len(lengths_S)),
        trimmed_tokens=trimmed_tokens,
        trimmed_tokens_share=_share(trimmed_tokens, int(lengths_S.sum()) + trimmed_tokens),
        not_next_share=_share(not_next, len(lengths_S)) if arrangement in TWO_PARTS else None,
        false_pairs=FalsePairs.total(false) if false else None,
    )


def _batches(
    stream: PretrainingStream, tokenizer: Tokenizer, arrangement: Sequences, length: int, batch_tokens: int
) -> BatchesAudit:
    batches = stream.evaluation(EXAMINED_SAMPLES, length=length, batch_tokens=batch_tokens)
    batches = batches[:-1] or batches  # the last one ends where the samples do
    special = np.array(sorted(tokenizer.specials.all))
    tokens = sequences = padded = text = masked = 0
    for batch in batches:
        packed = batch.pack(range(len(batch.lengths)))
        tokens += sum(batch.lengths)
        sequences += len(batch.lengths)
        padded += len(batch.lengths) * max(batch.lengths)
        masked += len(packed.targets["masked_M"])
        ids_T = packed.ids_T.copy()
        ids_T[packed.targets["masked_M"]] = packed.targets["masked_ids_M"]
        text += int((~np.isin(ids_T, special)).sum())
    first = batches[0].pack(range(min(EXAMPLES, len(batches[0].lengths))))
    return BatchesAudit(
        batches=len(batches),
        batch_tokens=batch_tokens,
        filled=tokens / (len(batches) * batch_tokens),
        padded_to_length=tokens / (sequences * length),
        padded_to_longest=tokens / padded,
        masked_share=_share(masked, text),
        examples=[_example(first, index, arrangement, tokenizer) for index in range(len(first.lengths))],
    )


def _example(packed: Packed, index: int, arrangement: Sequences, tokenizer: Tokenizer) -> AuditedSequence:
    start = sum(packed.lengths[:index])
    stood = dict(zip(packed.targets["masked_M"].tolist(), packed.targets["masked_ids_M"].tolist(), strict=True))
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
    if len(packed.targets["second_B"]):
        other = "does not follow" if arrangement == "next-sentence" else "comes before"
        second = other if packed.targets["second_B"][index] else "follows"
    return AuditedSequence(text.strip(), second)


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
