"""The folder of a run: what it was asked to do, where it ran, what it measured, and what came of it.

```
RUN/
  .lock            held, and there, while a run writes here
  config.toml      the configuration, every default written out
  run.json         one entry a start: code, machine, command, data
  metrics.jsonl    what was measured
  negatives.jsonl  texts that do not belong to those of a pair, where such were looked for
  checkpoints/     step-00001000 …
  skipped/         batches whose loss was not finite
  model/           the finished model, as the hub keeps it
```
"""

from __future__ import annotations

import json
import os
import platform
import re
import socket
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Self

from bertkit.checkpoints.durable import make_folder
from bertkit.checkpoints.folders import atomic_file
from bertkit.config.finetuning import FinetuneConfig
from bertkit.config.training import TrainingConfig
from bertkit.config.training_file import config_text, differing, load_as
from bertkit.errors import ConfigError, InputError, OutputError

# What may change when a run goes on: how long, how it is watched and kept, where it computes, and where its data lies
# (that the data is the same is told by the manifests' hashes).
MAY_CHANGE = frozenset(
    """
    data.shards data.held_out train.steps train.micro_batch_tokens train.device train.parallel train.shard_ranks
    train.compile train.recompute train.checkpoint_every train.keep_checkpoints train.evaluate_every
    train.evaluate_sequences train.log_every train.most_skipped train.patience run.directory run.tensorboard
    """.split()
)
STEP_NAME = re.compile(r"step-(\d{8,})")


@dataclass(frozen=True, slots=True)
class Start:
    """What one start of a run knows of itself: one entry of `run.json`.

    Attributes:
        manifest_sha256s: the fingerprint of each folder of shards, in the order of `data.shards`.
        ranks: processes that share the work.
        device: what each of them computes on, in words.
    """

    when: str
    bertkit: str
    torch: str
    python: str
    machine: str
    system: str
    cores: int
    device: str
    ranks: int
    command: Sequence[str]
    manifest_sha256s: Sequence[str]

    @classmethod
    def now(cls, *, command: Sequence[str], manifest_sha256s: Sequence[str], ranks: int, device: str) -> Self:
        """This machine at this time."""
        return cls(
            when=datetime.now(UTC).isoformat(timespec="seconds"),
            bertkit=version("bertkit"),
            torch=version("torch"),
            python=platform.python_version(),
            machine=socket.gethostname(),
            system=platform.platform(),
            cores=os.cpu_count() or 1,
            device=device,
            ranks=ranks,
            command=list(command),
            manifest_sha256s=list(manifest_sha256s),
        )


@dataclass(frozen=True, slots=True)
class RunFolder:
    """Where the parts of a run are."""

    path: Path

    @property
    def config(self) -> Path:
        """The configuration."""
        return self.path / "config.toml"

    @property
    def starts(self) -> Path:
        """What is known of each start."""
        return self.path / "run.json"

    @property
    def metrics(self) -> Path:
        """What was measured."""
        return self.path / "metrics.jsonl"

    @property
    def negatives(self) -> Path:
        """The hard negatives of the pairs that are learnt from."""
        return self.path / "negatives.jsonl"

    @property
    def checkpoints(self) -> Path:
        """The folder of checkpoints."""
        return self.path / "checkpoints"

    @property
    def skipped(self) -> Path:
        """The folder of batches that were left out."""
        return self.path / "skipped"

    @property
    def model(self) -> Path:
        """The finished model."""
        return self.path / "model"

    def checkpoint(self, step: int) -> Path:
        """The folder of one checkpoint."""
        return self.checkpoints / f"step-{step:08d}"

    def checkpoint_steps(self) -> list[int]:
        """Steps of which there are checkpoints, ascending; folders of another name are left alone."""
        names = [entry.name for entry in self.checkpoints.iterdir()] if self.checkpoints.is_dir() else []
        return sorted(int(found[1]) for found in map(STEP_NAME.fullmatch, names) if found)


def open_run(config: TrainingConfig | FinetuneConfig, start: Start) -> RunFolder:
    """The folder `run.directory`, made or found, with `config.toml` and `run.json` brought up to date.

    One process of a run calls this.

    Raises:
        ConfigError: the folder has checkpoints of another configuration or of other data; the first key is named.
        OutputError: the folder cannot be made or written.
    """
    folder = RunFolder(Path(config.run.directory))
    if folder.checkpoint_steps():
        _refuse_another(folder, config, start)
    try:
        for path in (folder.checkpoints, folder.skipped):
            make_folder(path)
    except OSError as error:
        raise OutputError(
            f"{error.filename}: cannot be made: {error.strerror}", "Choose another folder with -o."
        ) from None
    with atomic_file(folder.config) as file:
        file.write(config_text(config))
    with atomic_file(folder.starts) as file:
        json.dump({"starts": [*read_starts(folder), asdict(start)]}, file, indent=2, ensure_ascii=False)
        file.write("\n")
    return folder


def read_starts(folder: RunFolder) -> list[dict[str, object]]:
    """What is known of each start of a run, first to last; none where it was never started.

    Raises:
        InputError: `run.json` is damaged.
    """
    if not folder.starts.exists():
        return []
    try:
        values = json.loads(folder.starts.read_bytes())
    except ValueError:
        values = None
    starts = values.get("starts") if isinstance(values, Mapping) else None
    if not isinstance(starts, list) or not all(isinstance(start, dict) for start in starts):
        raise InputError(f"{folder.starts}: not what a run writes there", "Remove this file; nothing else needs it.")
    return starts


def _refuse_another(folder: RunFolder, config: TrainingConfig | FinetuneConfig, start: Start) -> None:
    before = load_as(type(config), folder.config)
    for key, (old, new) in differing(before, config).items():
        if key not in MAY_CHANGE:
            raise ConfigError(
                f"{folder.path}: its checkpoints were made with {key} = {_shown(old)}, not {_shown(new)}",
                "Choose another folder with -o, or set the key back to go on with this run.",
            )
    starts = read_starts(folder)
    if starts and starts[-1].get("manifest_sha256s") != list(start.manifest_sha256s):
        raise ConfigError(
            f"{folder.path}: its checkpoints were made with other data than data.shards has now",
            "Choose another folder with -o, or name the shards that this run began with.",
        )


def _shown(value: object) -> str:
    return "nothing" if value is None else json.dumps(value, ensure_ascii=False)
