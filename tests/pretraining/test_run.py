"""A whole run: its phases, going on in the middle of them, and what of its data is refused."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest

from bertkit.config.training import DataTable
from bertkit.errors import ConfigError, InputError
from bertkit.pretraining.run import Corpus, phases
from tests.corpora.shard_files import numbered_tokenizer, random_shard, write_shards
from tests.training.in_process import Outcome, assert_same_weights, run_here
from tests.training.runs import make_data, settings

PHASES = """
[[data.phases]]
step = 4
length = 64
batch_tokens = 640
[[data.phases]]
step = 7
length = 16
"""
SETS = ("train.steps=10", "train.micro_batch_tokens=256", "train.checkpoint_every=100", "train.evaluate_every=5")
DROPOUT = ("model.encoder.hidden_dropout=0.1", "model.encoder.attention_dropout=0.1")


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_data(tmp_path_factory.mktemp("data"))


@pytest.fixture(scope="module")
def whole(data: Path) -> Outcome:
    """A run with dropout and a running mean that nothing disturbed."""
    outcome = run_here(data, data / "whole", *SETS, *DROPOUT, "train.ema=0.99", more=PHASES)
    assert outcome.error is None
    return outcome


def without_times(outcome: Outcome) -> list[dict[str, object]]:
    times = ("seconds", "tokens_per_second", "peak_share", "memory_bytes")
    return [{key: value for key, value in record.items() if key not in times} for record in outcome.records]


def test_the_phases_of_a_file() -> None:
    later = [{"step": 4, "length": 64, "batch_tokens": 640}, {"step": 7, "length": 16}]
    config = settings({"data": {"length": 32, "phases": later}, "train": {"batch_tokens": 512}})
    found = [(phase.step, phase.length, phase.batch_tokens) for phase in phases(config)]
    assert found == [(0, 32, 512), (4, 64, 640), (7, 16, 512)]


def test_lengths_and_sizes_change_at_their_steps(whole: Outcome) -> None:
    totals = [(0, 0)] + [(int(str(r["tokens"])), int(str(r["sequences"]))) for r in whole.of("loss")]
    steps = [(b[0] - a[0], b[1] - a[1]) for a, b in pairwise(totals)]
    assert len(steps) == 10
    for place, (tokens, sequences) in enumerate(steps):
        length, most = (32, 512) if place < 4 else (64, 640) if place < 7 else (16, 512)
        assert most - length < tokens <= most
        assert tokens / sequences <= length
    assert all(tokens / sequences > 32 for tokens, sequences in steps[4:7])  # most are as long as they may be


@pytest.mark.parametrize("step", [2, 4, 7])  # inside a phase, and where the next ones begin
def test_going_on_anywhere_is_as_if_undisturbed(step: int, data: Path, whole: Outcome, tmp_path: Path) -> None:
    sets = (*SETS, *DROPOUT, "train.ema=0.99")
    first = run_here(data, tmp_path / "run", *sets, more=PHASES, stop_after=step)
    assert first.error is None
    assert not first.finished
    second = run_here(data, tmp_path / "run", *sets, more=PHASES)
    assert second.error is None
    assert second.started == step
    assert second.finished
    assert without_times(first) + without_times(second) == without_times(whole)
    assert_same_weights(second.weights[-1], whole.weights[-1])
    models = [(outcome.directory / "model/model.safetensors").read_bytes() for outcome in (second, whole)]
    assert models[0] == models[1]


def test_seconds_go_on(data: Path, tmp_path: Path) -> None:
    first = run_here(data, tmp_path / "run", *SETS, stop_after=2)
    second = run_here(data, tmp_path / "run", *SETS)
    seconds = [float(str(record["seconds"])) for record in [*first.of("loss"), *second.of("loss")]]
    assert seconds == sorted(seconds)


def test_a_finished_run_is_not_trained_further(data: Path, tmp_path: Path) -> None:
    run_here(data, tmp_path / "run", "train.steps=2")
    again = run_here(data, tmp_path / "run", "train.steps=2")
    assert again.finished
    assert again.started == 2
    assert not again.weights


def test_without_held_out_data_nothing_is_evaluated(tmp_path: Path) -> None:
    tokenizer = numbered_tokenizer(tmp_path / "vocabulary")
    write_shards(tmp_path / "shards", tokenizer, [random_shard(1, documents=30)])
    corpus = Corpus.open(DataTable(shards=str(tmp_path / "shards")))
    assert corpus.held_out == []
    write_shards(tmp_path / "shards/held-out", tokenizer, [random_shard(2, documents=5)])
    corpus = Corpus.open(DataTable(shards=str(tmp_path / "shards")))
    assert [shards.folder.name for shards in corpus.held_out] == ["held-out"]


def test_several_folders_are_one_corpus(data: Path) -> None:
    def samples(*names: str) -> int:
        table = DataTable(shards=[str(data / name) for name in names])
        corpus = Corpus.open(table)
        stream = corpus.stream(corpus.shards, table, table.masking, 0)
        return sum(len(stream.planned(0, place, 32)) for place in range(sum(map(len, corpus.shards))))

    assert samples("shards", "held-out") == pytest.approx(samples("shards") + samples("held-out"), rel=0.1)


@pytest.mark.parametrize("key", ["shards", "held_out"])
def test_another_vocabulary_is_refused(key: str, data: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    write_shards(other, numbered_tokenizer(tmp_path / "vocabulary", 80), [random_shard(1, documents=9, vocab=85)])
    values: dict[str, object] = {"shards": [str(data / "shards"), str(other)]}
    if key == "held_out":
        values = {"shards": str(data / "shards"), "held_out": str(other)}
    with pytest.raises(ConfigError, match=r"other has another vocabulary than .*shards"):
        Corpus.open(DataTable.model_validate(values))


def test_shards_that_are_not_there(data: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"nowhere: no manifest\.json"):
        Corpus.open(DataTable(shards=str(tmp_path / "nowhere")))
    with pytest.raises(InputError, match=r"nowhere: no manifest\.json"):
        Corpus.open(DataTable(shards=str(data / "shards"), held_out=str(tmp_path / "nowhere")))


def test_a_list_of_no_shards() -> None:
    with pytest.raises(ConfigError, match=r"data\.shards"):
        settings({"data": {"shards": []}})
