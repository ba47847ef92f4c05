from __future__ import annotations

import json
import subprocess
import sys
import threading
from itertools import islice, pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bertkit.batching.packed import Packed
from bertkit.config.training import Masking, Sequences
from bertkit.corpora.shards import Shards, open_shards
from bertkit.errors import InputError
from bertkit.sampling.stream import Position, PretrainingStream, SampledBatch
from bertkit.tokenization.tokenizer import Tokenizer
from tests.calls import python_calls
from tests.corpora.shard_files import numbered_tokenizer, random_shard, shard_of, shard_of_lengths, write_shards

ARRANGEMENTS = ["next-sentence", "sentence-order", "full-sentences", "documents"]


@pytest.fixture(scope="session")
def shards(tmp_path_factory: pytest.TempPathFactory) -> Shards:
    folder = tmp_path_factory.mktemp("stream")
    tokenizer = numbered_tokenizer(folder / "vocabulary")
    return write_shards(folder / "shards", tokenizer, [random_shard(seed, documents=12) for seed in range(3)])


def stream_of(shards: Shards, arrangement: Sequences = "next-sentence", seed: int = 1) -> PretrainingStream:
    tokenizer = Tokenizer.load(shards.folder / "tokenizer")
    masking = Masking(unit="word")
    return PretrainingStream([shards], tokenizer, arrangement=arrangement, masking=masking, short_share=0.1, seed=seed)


def samples_of_an_epoch(stream: PretrainingStream, shards: Shards) -> int:
    return sum(len(stream.planned(0, place, 48)) for place in range(len(shards)))


def whole(batch: SampledBatch) -> Packed:
    return batch.pack(range(len(batch.lengths)))


def content(batch: SampledBatch) -> tuple[object, ...]:
    packed = whole(batch)
    arrays = {"ids": packed.ids_T, "segments": packed.segments_T, "positions": packed.positions_T, **packed.targets}
    return (packed.lengths, *(array.tolist() for array in arrays.values()))


@pytest.mark.parametrize("arrangement", ARRANGEMENTS)
def test_going_on_from_any_position_is_what_would_have_come(shards: Shards, arrangement: Sequences) -> None:
    stream = stream_of(shards, arrangement)
    undisturbed = list(islice(stream.batches(Position(), length=48, batch_tokens=400), 60))
    assert undisturbed[-1][1].epoch > 0
    for place in range(0, 50, 7):
        position = Position.of(json.loads(json.dumps(undisturbed[place][1].record())))
        later = islice(stream_of(shards, arrangement).batches(position, length=48, batch_tokens=400), 3)
        for (batch, after), (expected, expected_after) in zip(later, undisturbed[place + 1 :], strict=False):
            assert after == expected_after
            assert content(batch) == content(expected)


@pytest.mark.parametrize("arrangement", ARRANGEMENTS)
def test_an_epoch_has_every_sample_once(shards: Shards, arrangement: Sequences) -> None:
    stream = stream_of(shards, arrangement)
    seen: list[tuple[int, int]] = []
    count = samples_of_an_epoch(stream, shards)
    for batch, _ in stream.batches(Position(), length=48, batch_tokens=400):
        seen += [(int(one.planned.key), number) for one in batch.taken for number in one.numbers_B.tolist()]
        if len(seen) >= count:
            break
    assert len(set(seen[:count])) == count


def test_a_batch_is_as_many_of_the_next_samples_as_fit(shards: Shards) -> None:
    stream = stream_of(shards)
    batches = [batch for batch, _ in islice(stream.batches(Position(), length=48, batch_tokens=400), 80)]
    for batch, following in pairwise(batches):
        assert sum(batch.lengths) <= 400 < sum(batch.lengths) + following.lengths[0]
    single = [batch for batch, _ in islice(stream.batches(Position(), length=48, batch_tokens=1), 80)]
    assert {len(batch.lengths) for batch in single} == {1}
    joined = [length for batch in batches for length in batch.lengths]
    assert [batch.lengths[0] for batch in single] == joined[:80]


@pytest.mark.parametrize("arrangement", ARRANGEMENTS)
@settings(max_examples=20)
@given(data=st.data())
def test_a_sequence_is_the_same_however_a_batch_is_split(
    shards: Shards, arrangement: Sequences, data: st.DataObject
) -> None:
    batch, _ = next(islice(stream_of(shards, arrangement).batches(Position(), length=48, batch_tokens=900), 2, None))
    packed = whole(batch)
    picked = data.draw(st.lists(st.integers(0, len(batch.lengths) - 1), min_size=1, unique=True))
    part = batch.pack(picked)
    starts = np.cumsum([0, *batch.lengths])
    spans = [slice(starts[index], starts[index + 1]) for index in picked]
    for name in ("ids_T", "segments_T", "positions_T"):
        expected = np.concatenate([getattr(packed, name)[span] for span in spans])
        assert getattr(part, name).tolist() == expected.tolist()
    assert part.lengths == tuple(batch.lengths[index] for index in picked)
    known = dict(zip(packed.targets["masked_M"].tolist(), packed.targets["masked_ids_M"].tolist(), strict=True))
    expected_ids = [known[place] for span in spans for place in range(span.start, span.stop) if place in known]
    assert part.targets["masked_ids_M"].tolist() == expected_ids
    if len(packed.targets["second_B"]):
        assert part.targets["second_B"].tolist() == packed.targets["second_B"][picked].tolist()


@pytest.mark.parametrize("arrangement", ARRANGEMENTS)
def test_sequences_are_the_shards_tokens_in_the_tokenizers_frame(shards: Shards, arrangement: Sequences) -> None:
    stream = stream_of(shards, arrangement)
    for batch, _ in islice(stream.batches(Position(), length=48, batch_tokens=900), 12):
        packed = whole(batch)
        ids_T = packed.ids_T.copy()
        ids_T[packed.targets["masked_M"]] = packed.targets["masked_ids_M"]
        assert (packed.positions_T < 48).all()
        rows = iter(
            np.split(np.stack([ids_T, packed.segments_T, packed.positions_T]), np.cumsum(batch.lengths), axis=1)
        )
        for one in batch.taken:
            tokens, ends = one.planned.source.tokens, set(one.planned.source.document_ends.tolist())
            for a, b, c, d in one.planned.samples.parts_S4[one.numbers_B].tolist():
                ids, segments, positions = next(rows)
                first = [id for at in range(a, b) for id in ([3] if at in ends and at > a else []) + [int(tokens[at])]]
                second = [*tokens[c:d].tolist(), 3] if d else []
                assert ids.tolist() == [2, *first, 3, *second]
                assert segments.tolist() == [0] * (len(first) + 2) + [1] * len(second)
                assert positions.tolist() == list(range(len(ids)))


def test_epochs_differ_and_seeds_differ(shards: Shards) -> None:
    def first(seed: int, epoch: int) -> tuple[object, ...]:
        return content(next(stream_of(shards, seed=seed).batches(Position(epoch), length=48, batch_tokens=400))[0])

    assert first(1, 0) == first(1, 0)
    assert len({repr(first(1, 0)), repr(first(1, 1)), repr(first(2, 0))}) == 3


def test_batches_are_the_same_in_another_process(shards: Shards) -> None:
    program = (
        "import sys; from pathlib import Path; from tests.sampling.test_stream import *;"
        "batches = stream_of(open_shards(Path(sys.argv[1]))).batches(Position(1, 2, 3), length=48, batch_tokens=400);"
        "print(content(next(batches)[0]))"
    )
    run = subprocess.run(
        [sys.executable, "-c", program, str(shards.folder)],
        capture_output=True, text=True, cwd=Path(__file__).parents[2],
    )  # fmt: skip
    here = stream_of(open_shards(shards.folder)).batches(Position(1, 2, 3), length=48, batch_tokens=400)
    assert run.stdout == f"{content(next(here)[0])}\n", run.stderr


def test_evaluation_is_the_first_samples_and_always_the_same(shards: Shards) -> None:
    stream = stream_of(shards)
    batches = stream.evaluation(60, length=48, batch_tokens=300)
    assert sum(len(batch.lengths) for batch in batches) == 60
    assert all(sum(batch.lengths) <= 300 for batch in batches)
    assert [content(batch) for batch in batches] == [
        content(batch) for batch in stream_of(shards).evaluation(60, length=48, batch_tokens=300)
    ]
    streamed = [batch for batch, _ in islice(stream.batches(Position(), length=48, batch_tokens=300), len(batches))]
    assert [batch.lengths for batch in batches[:-1]] == [batch.lengths for batch in streamed[:-1]]
    everything = stream.evaluation(10**9, length=48)
    assert sum(len(batch.lengths) for batch in everything) == samples_of_an_epoch(stream, shards)


def test_another_length_goes_on_at_the_start_of_the_shard(shards: Shards) -> None:
    stream = stream_of(shards, "full-sentences")
    *_, (_, position) = islice(stream.batches(Position(), length=20, batch_tokens=500), 4)
    batch, after = next(stream.batches(position.shard_start(), length=64, batch_tokens=500))
    assert (after.epoch, after.shard) == (position.epoch, position.shard)
    assert max(batch.lengths) > 20


def test_the_thread_ends_with_the_iterator(shards: Shards) -> None:
    batches = stream_of(shards).batches(Position(), length=48, batch_tokens=400)
    next(batches)
    assert any(thread.name.startswith("bertkit-plan") for thread in threading.enumerate())
    batches.close()  # type: ignore[attr-defined]
    assert not any(thread.name.startswith("bertkit-plan") for thread in threading.enumerate())


def test_a_shard_of_one_document_is_passed_over_in_a_corpus_of_more(shards: Shards, tmp_path: Path) -> None:
    tokenizer = Tokenizer.load(shards.folder / "tokenizer")
    mixed = write_shards(tmp_path / "mixed", tokenizer, [random_shard(1, documents=9), shard_of_lengths([[3, 4, 5]])])
    stream = stream_of(mixed)
    counts = {len(stream.planned(0, place, 48)): stream.planned(0, place, 48) for place in range(2)}
    assert counts[0].samples.left_out_sentences == 3
    assert sum(counts) == samples_of_an_epoch(stream, mixed) > 0
    *_, (_, position) = islice(stream.batches(Position(), length=48, batch_tokens=400), 20)
    assert position.epoch > 0


@pytest.mark.parametrize("position", [Position(0, 3, 0), Position(0, 0, 100_000), Position(0, -1, 0)])
def test_a_position_that_is_not_there_is_refused(shards: Shards, position: Position) -> None:
    with pytest.raises(InputError, match="the data has no position"):
        next(stream_of(shards).batches(position, length=48, batch_tokens=400))


def test_shards_that_cannot_be_used_are_refused(shards: Shards, tmp_path: Path) -> None:
    tokenizer = Tokenizer.load(shards.folder / "tokenizer")
    lonely = write_shards(tmp_path / "lonely", tokenizer, [shard_of_lengths([[3, 4]])])
    with pytest.raises(InputError, match="lonely has fewer than two documents"):
        stream_of(lonely)
    short = stream_of(write_shards(tmp_path / "short", tokenizer, [shard_of_lengths([[3], [4], [5]])]))
    with pytest.raises(InputError, match="no document has two sentences"):
        next(short.batches(Position(), length=48, batch_tokens=400))
    with pytest.raises(InputError, match="no document has two sentences"):
        short.evaluation(3, length=48)
    with pytest.raises(InputError, match="no text in"):
        stream_of(write_shards(tmp_path / "empty", tokenizer, [shard_of([])]), "documents")
    other = numbered_tokenizer(tmp_path / "other", 50)
    with pytest.raises(InputError, match="another vocabulary"):
        PretrainingStream([shards], other, arrangement="documents", masking=Masking(), short_share=0.1, seed=0)


@pytest.mark.slow
def test_shares_over_ten_million_tokens(tmp_path: Path) -> None:
    tokenizer = numbered_tokenizer(tmp_path / "vocabulary")
    shards = write_shards(
        tmp_path / "shards",
        tokenizer,
        [random_shard(seed, documents=4000, sentences=34, tokens=46) for seed in range(7)],
    )
    stream = PretrainingStream(
        [shards], tokenizer, arrangement="next-sentence", masking=Masking(), short_share=0.1, seed=0
    )
    tokens, text, expected, masked, fates, apart, pairs = 0, 0, 0.0, 0, np.zeros(3), 0, 0
    for batch, _ in stream.batches(Position(), length=128, batch_tokens=32_768):
        packed = whole(batch)
        inputs, before = packed.ids_T[packed.targets["masked_M"]], packed.targets["masked_ids_M"]
        assert before.min() >= 5
        lengths_B = np.array(batch.lengths) - 3
        text += int(lengths_B.sum())
        expected += float((0.15 * lengths_B + 0.85**lengths_B).sum())  # one at least
        masked += len(inputs)
        fates += [(inputs == 4).sum(), ((inputs != 4) & (inputs != before)).sum(), (inputs == before).sum()]
        apart += int(packed.targets["second_B"].sum())
        pairs += len(packed.targets["second_B"])
        for one in batch.taken:
            ends, samples = one.planned.source.document_ends, one.planned.samples
            documents_B4 = np.searchsorted(ends, samples.parts_S4[one.numbers_B], side="right")
            same_B = documents_B4[:, 0] == documents_B4[:, 2]
            assert (same_B == (samples.second_S[one.numbers_B] == 0)).all()
        tokens += len(packed.ids_T)
        if tokens > 10_000_000:
            break
    assert abs(masked - expected) < 4 * (text * 0.15 * 0.85) ** 0.5
    assert abs(apart / pairs - 0.5) < 4 * 0.5 / pairs**0.5
    shares = np.array([0.8, 0.1 * 94 / 95, 0.1 + 0.1 / 95])  # a random token may be the same one
    assert (np.abs(fates / masked - shares) < 4 * (shares * (1 - shares) / masked) ** 0.5).all()


@pytest.mark.parametrize("arrangement", ARRANGEMENTS)
def test_packing_is_done_on_whole_arrays(tmp_path: Path, arrangement: Sequences) -> None:
    tokenizer = numbered_tokenizer(tmp_path / "vocabulary")
    shard = random_shard(5, documents=400, sentences=34, tokens=46)
    shards = write_shards(tmp_path / "shards", tokenizer, [shard])
    for unit in ("token", "span"):
        masking = Masking(unit=unit)  # type: ignore[arg-type]
        stream = PretrainingStream(
            [shards], tokenizer, arrangement=arrangement, masking=masking, short_share=0.1, seed=0
        )
        batches = stream.batches(Position(), length=128, batch_tokens=32_768)
        next(batches)  # has the shard planned
        tokens = []
        calls = python_calls(lambda found=batches, to=tokens: to.append(len(whole(next(found)[0]).ids_T)))  # type: ignore[misc]
        assert calls < 0.1 * tokens[0]  # of a batch; one by one it would be several a token
