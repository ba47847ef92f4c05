"""What a run came to, read from its folder only: it may still be running, elsewhere. Torch-free."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from statistics import median
from typing import Literal

from bertkit.checkpoints.headers import read_header
from bertkit.config.training import ModelTable, TrainingConfig
from bertkit.config.training_file import load_config
from bertkit.errors import InputError
from bertkit.training.metrics_file import Points, evaluations, number_of, points, read_metrics, step_of
from bertkit.training.observer import Record
from bertkit.training.run_folder import RunFolder

QUIET_SECONDS = 300.0  # a run that has written nothing for so long, and for three of its pauses, has stopped
State = Literal["finished", "running", "stopped"]


@dataclass(frozen=True, slots=True)
class RunSummary:
    """One run.

    Attributes:
        name: what its folder is called.
        model: what is trained, in words.
        parameters: of the finished model as it was written; None before.
        step, steps: done and to be done.
        best, last: the evaluation of the lowest loss and the newest one; empty where there is none.
        tokens_per_second: the median over its records.
        checkpoint: the step of the newest checkpoint.
        records: all of its metrics.
    """

    name: str
    state: State
    config: TrainingConfig
    model: str
    parameters: int | None
    step: int
    steps: int
    tokens: int
    seconds: float
    loss: float | None
    best: Record
    last: Record
    tokens_per_second: float | None
    checkpoint: int | None
    skipped: int
    records: Sequence[Record]

    def record(self) -> dict[str, object]:
        """The run as a JSON record, its curves left out."""
        return {
            "name": self.name,
            "state": self.state,
            "model": self.model,
            "parameters": self.parameters,
            "step": self.step,
            "steps": self.steps,
            "tokens": self.tokens,
            "seconds": self.seconds,
            "loss": self.loss,
            "best_evaluation": dict(self.best),
            "last_evaluation": dict(self.last),
            "tokens_per_second": self.tokens_per_second,
            "checkpoint": self.checkpoint,
            "skipped": self.skipped,
        }

    def training(self, name: str) -> Points:
        """(step, value) of a measure in training."""
        return points(self.records, name)

    def held_out(self, name: str) -> Points:
        """(step, value) of a measure on held-out data."""
        return points(evaluations(self.records), name)


def summarise(path: Path) -> RunSummary:
    """The run in a folder.

    Raises:
        InputError: it is not the folder of a run, or its metrics are damaged.
        ConfigError: its `config.toml` is damaged.
    """
    folder = RunFolder(path)
    if not folder.config.is_file():
        raise InputError(f"{path}: no {folder.config.name}", "Name the folder of a run, its file's run.directory.")
    if "[task]" in folder.config.read_text(encoding="utf-8").splitlines():
        raise InputError(
            f"{path}: is a run of fine-tuning; only runs of pre-training are compared",
            f"Its measures are in {folder.metrics}, and the last of them in its model's README.md.",
        )
    config, records = load_config(folder.config), read_metrics(folder.metrics)
    found = [one for one in evaluations(records) if number_of(one, "loss") is not None]
    speeds = [value for _, value in points(records, "tokens_per_second")]
    checkpoints = folder.checkpoint_steps()
    step = max(map(step_of, records), default=0)
    return RunSummary(
        name=path.resolve().name,
        state=_state(folder, records, done=step >= config.train.steps),
        config=config,
        model=model_in_words(config.model),
        parameters=_parameters(folder),
        step=step,
        steps=config.train.steps,
        tokens=int(max((value for _, value in points(records, "tokens")), default=0)),
        seconds=max((value for _, value in points(records, "seconds")), default=0.0),
        loss=next((value for _, value in reversed(points(records, "loss"))), None),
        best=min(found, key=lambda one: number_of(one, "loss") or 0.0, default={}),
        last=found[-1] if found else {},
        tokens_per_second=median(speeds) if speeds else None,
        checkpoint=checkpoints[-1] if checkpoints else None,
        skipped=sum("skipped" in record for record in records),
        records=records,
    )


def model_in_words(table: ModelTable) -> str:
    """`bert mini`, or what training starts from."""
    name = table.start or " ".join(filter(None, (table.family, table.preset)))
    return f"{name} (changed)" if table.encoder or table.layers_from is not None else name


def _parameters(folder: RunFolder) -> int | None:
    files = sorted(folder.model.glob("*.safetensors"))
    return sum(header.elements for file in files for header in read_header(file).values()) or None


def _state(folder: RunFolder, records: Sequence[Record], *, done: bool) -> State:
    if done and folder.model.is_dir():
        return "finished"
    newest = max((path.stat().st_mtime for path in (folder.metrics, folder.starts) if path.exists()), default=0.0)
    times = [value for _, value in points(records, "seconds")]
    pauses = [later - earlier for earlier, later in pairwise(times)]
    return "running" if time.time() - newest < max(QUIET_SECONDS, 3 * max(pauses, default=0.0)) else "stopped"
