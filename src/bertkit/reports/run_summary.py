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
from bertkit.config.finetuning import FinetuneConfig, StartTable
from bertkit.config.training import ModelTable, TrainingConfig
from bertkit.config.training_file import load_as
from bertkit.errors import InputError
from bertkit.runs.metrics_file import Points, evaluations, number_of, points, read_metrics, step_of
from bertkit.runs.run_folder import RunFolder
from bertkit.training.observer import Record

QUIET_SECONDS = 300.0  # a run that has written nothing for so long, and for three of its pauses, has stopped
State = Literal["finished", "running", "stopped"]


@dataclass(frozen=True, slots=True)
class RunSummary:
    """One run.

    Attributes:
        name: what its folder is called.
        task: what is learnt in fine-tuning; None in pre-training.
        model: what is trained, in words.
        parameters: of the finished model as it was written; None before.
        step, steps: done and to be done; fine-tuning tells the latter with its first evaluation, None before.
        samples: read so far, as often as they were; sequences in pre-training.
        best_by: the measure by which the best evaluation is chosen; None before the first.
        best, last: the best evaluation and the newest one; empty where there is none.
        tokens_per_second: the median over its records.
        checkpoint: the step of the newest checkpoint.
        records: all of its metrics.
    """

    name: str
    state: State
    config: TrainingConfig | FinetuneConfig
    task: str | None
    model: str
    parameters: int | None
    step: int
    steps: int | None
    tokens: int
    samples: int
    seconds: float
    loss: float | None
    best_by: str | None
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
            "task": self.task,
            "model": self.model,
            "parameters": self.parameters,
            "step": self.step,
            "steps": self.steps,
            "tokens": self.tokens,
            "samples": self.samples,
            "seconds": self.seconds,
            "loss": self.loss,
            "best_by": self.best_by,
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
    is_finetuning = "[task]" in folder.config.read_text(encoding="utf-8").splitlines()
    config: TrainingConfig | FinetuneConfig
    config = load_as(FinetuneConfig, folder.config) if is_finetuning else load_as(TrainingConfig, folder.config)
    records = read_metrics(folder.metrics)
    speeds = [value for _, value in points(records, "tokens_per_second")]
    checkpoints = folder.checkpoint_steps()
    step = max(map(step_of, records), default=0)
    steps = config.train.steps if isinstance(config, TrainingConfig) else _newest(records, "steps")
    # A run of fine-tuning may end before its last step, by patience; its model is written at its end only.
    done = isinstance(config, FinetuneConfig) or step >= config.train.steps
    best_by, best, last = _chosen(records)
    return RunSummary(
        name=path.resolve().name,
        state=_state(folder, records, done=done),
        config=config,
        task=config.task.name if isinstance(config, FinetuneConfig) else None,
        model=start_in_words(config.model) if isinstance(config, FinetuneConfig) else model_in_words(config.model),
        parameters=_parameters(folder),
        step=step,
        steps=steps,
        tokens=_newest(records, "tokens") or 0,
        samples=_newest(records, "sequences") or 0,
        seconds=max((value for _, value in points(records, "seconds")), default=0.0),
        loss=next((value for _, value in reversed(points(records, "loss"))), None),
        best_by=best_by,
        best=best,
        last=last,
        tokens_per_second=median(speeds) if speeds else None,
        checkpoint=checkpoints[-1] if checkpoints else None,
        skipped=sum("skipped" in record for record in records),
        records=records,
    )


def _chosen(records: Sequence[Record]) -> tuple[str | None, Record, Record]:
    """By which measure evaluations are compared, the best of them, and the newest."""
    scored = [(score, record) for record in records if (score := number_of(record, "score")) is not None]
    if not scored:  # a run of pre-training before records had scores
        found = [one for one in evaluations(records) if number_of(one, "loss") is not None]
        best = min(found, key=lambda one: number_of(one, "loss") or 0.0, default={})
        return ("loss", best, found[-1]) if found else (None, {}, {})
    _, chosen = min(scored, key=lambda one: one[0])
    [best], [last] = evaluations([chosen]), evaluations([scored[-1][1]])
    return str(chosen.get("best_by")), best, last


def _newest(records: Sequence[Record], name: str) -> int | None:
    """A count that only grows; None where no record has it."""
    return max((int(value) for _, value in points(records, name)), default=None)


def start_in_words(table: StartTable) -> str:
    """What is fine-tuned, and how much of it."""
    name = "the built-in model" if table.start is None else Path(table.start).name
    if table.lora is not None:
        return f"{name}, LoRA {table.lora.rank}"
    return f"{name}, its head" if table.head_only else name


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
