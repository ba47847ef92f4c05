"""Small runs for the tests: shards of random ids, a file, and the program on one process or several."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path

from bertkit.config.strict import parse
from bertkit.config.training import TrainingConfig
from tests import warm
from tests.corpora.shard_files import numbered_tokenizer, random_shard, write_shards

ROOT = Path(__file__).parents[2]
FILE = """
[model.encoder]
layers = 2
width = 24
heads = 3
ffn_width = 37
[model.encoder.positions]
length = 64

[data]
shards = "{shards}"
held_out = "{held_out}"
length = 32

[train]
steps = 12
batch_tokens = 512
micro_batch_tokens = 128
checkpoint_every = 4
evaluate_every = 6
evaluate_sequences = 20
log_every = 1
[train.optimiser]
learning_rate = 1e-2

[run]
directory = "{directory}"
"""


def make_data(folder: Path) -> Path:
    """Shards, and held-out ones beside them."""
    tokenizer = numbered_tokenizer(folder / "vocabulary")
    write_shards(folder / "shards", tokenizer, [random_shard(seed, documents=40) for seed in (1, 2)])
    write_shards(folder / "held-out", tokenizer, [random_shard(3, documents=10)])
    return folder


def write_file(data: Path, directory: Path, more: str = "") -> Path:
    """A run's file, with more of it at the end."""
    path = data / f"{directory.name}.toml"
    text = FILE.format(shards=data / "shards", held_out=data / "held-out", directory=directory)
    path.write_text(text + more)
    return path


def settings(values: dict[str, object]) -> TrainingConfig:
    """A configuration from nested values, with what every file must have."""
    base: dict[str, object] = {
        "model": {},
        "data": {"shards": "shards"},
        "train": {"steps": 4},
        "run": {"directory": "run"},
    }
    for table, fields in values.items():
        known = base[table]
        assert isinstance(known, dict)
        assert isinstance(fields, dict)
        known.update(fields)
    return parse(TrainingConfig, base, "test")


def command(file: Path, *sets: str) -> list[str]:
    """The command line of a run, after Python's name."""
    changes = [argument for change in sets for argument in ("--set", change)]
    return ["-m", "bertkit", "pretrain", str(file), *changes]


def environment() -> dict[str, str]:
    """One thread, and this project's sources."""
    return {**os.environ, "PYTHONPATH": str(ROOT / "src"), "OMP_NUM_THREADS": "1"}


def start(file: Path, *sets: str, processes: int = 1) -> list[warm.Program]:
    """Starts the program, once for each rank."""
    written = file.with_suffix(".written")
    if processes == 1:
        return [warm.start(command(file, *sets), environment(), written)]
    return warm.start_ranks(processes, command(file, *sets), environment(), written)


def pretrain(file: Path, *sets: str, processes: int = 1) -> warm.Ended:
    """Runs the program to its end."""
    return warm.wait_for_all(start(file, *sets, processes=processes))


def losses(directory: Path) -> list[tuple[int, float]]:
    """Step and loss of every record."""
    records = map(json.loads, (directory / "metrics.jsonl").read_text().splitlines())
    return [(record["step"], record["loss"]) for record in records if "loss" in record]


def evaluations(directory: Path) -> list[dict[str, float]]:
    """The held-out measures, in order."""
    records = map(json.loads, (directory / "metrics.jsonl").read_text().splitlines())
    return [record["evaluation"] for record in records if "evaluation" in record]


def same_file(one: Path, other: Path, names: Sequence[str]) -> bool:
    """Whether files of these names are alike in two folders, byte for byte."""
    return all((one / name).read_bytes() == (other / name).read_bytes() for name in names)
