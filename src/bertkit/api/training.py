"""Jobs that train a model, from Python: each returns what came of it, the model among it.

A job is imported when it is asked for: the names are there without torch.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from copy import deepcopy
from pathlib import Path
from typing import TYPE_CHECKING, Any, Unpack

from bertkit.api.data import Data, Place, sources
from bertkit.api.folders import run_in
from bertkit.api.progress import observer_for
from bertkit.api.settings import (
    DistillOptions,
    FinetuneOptions,
    Settings,
    SweepOptions,
    checked,
    finetune_config,
    sweep_config,
)
from bertkit.config.options import Values, put
from bertkit.config.training import TrainingConfig
from bertkit.config.training_file import read_values
from bertkit.config.wording import worded

if TYPE_CHECKING:
    from bertkit.workflows.results import DistillResult, FinetuneResult, PretrainResult, SweepResult


@worded
def finetune(
    train: Data,
    task: str,
    *,
    eval: Data | None = None,
    model: Place | None = None,
    output: Place | None = None,
    settings: Settings | None = None,
    progress: bool = True,
    **options: Unpack[FinetuneOptions],
) -> FinetuneResult:
    """Trains a model for a task on labelled examples, measured on examples that it has not seen.

    Called again with the same `output`, it goes on from the newest checkpoint there, or gives what came of the run.

    Args:
        train: examples to learn from: a path, several, a table (pandas, polars, Arrow, a dict of columns), or dicts.
        task: one of the hub's names: `text-classification`, `token-classification`, …
        eval: examples to measure on; a tenth of `train` when left out.
        model: a folder or a hub name; the built-in model when left out.
        output: the run's folder, with the model in its folder `model`; when left out, one that is there as long as the
            result or its model is.
        settings: any other setting: `{"train.patience": 2}`, or `{"train": {"patience": 2}}`.
        progress: show how it gets on, in a terminal or a notebook.
        options: as of the command line: epochs, batch_size, learning_rate, seed, quick, label_column, …

    Raises:
        UserError: an option that there is not, or data that is none.
        ConfigError: a setting that there is not, a value that it cannot have, or a folder of another run.
        InputError: an example is not what the task learns from; file and line, or the row, are named.
        BertkitError: each subclass says what is wrong and what to do.
    """
    from bertkit.workflows import finetune as finetuning

    values = _tables_of(train, task, eval, model)

    def job(folder: str) -> FinetuneResult:
        config = finetune_config("finetune()", _in(values, folder), dict(options), FinetuneOptions, settings)
        return finetuning.finetune(config, observer_for(progress))

    return run_in(output, job)


@worded
def sweep(
    train: Data,
    task: str,
    *,
    eval: Data | None = None,
    model: Place | None = None,
    output: Place | None = None,
    settings: Settings | None = None,
    progress: bool = True,
    **options: Unpack[SweepOptions],
) -> SweepResult:
    """Fine-tunes several times: with `seeds=5` seeds, or with `search=8` settings. The best run's model is kept.

    Called again with the same `output`, it goes on; runs that have ended are not done again.

    Args:
        train: as of `finetune`.
        task: as of `finetune`.
        eval: as of `finetune`.
        model: as of `finetune`.
        output: as of `finetune`.
        progress: as of `finetune`.
        settings: as of `finetune`; `search.epochs` and so on are the space that a search draws from.
        options: `seeds` or `search`, and those of `finetune`.

    Raises:
        UserError: neither seeds nor search, or both; a seed diverged, or no run has a score.
        BertkitError: as `finetune`.
    """
    from bertkit.workflows import sweep as sweeping

    count = {name: options.get(name) for name in ("seeds", "search")}
    rest = {name: value for name, value in options.items() if name not in count}
    values = _tables_of(train, task, eval, model)

    def job(folder: str) -> SweepResult:
        config = sweep_config("sweep()", _in(values, folder), rest, count, settings)
        return sweeping.sweep(config, observer_for(progress))

    return run_in(output, job)


@worded
def distill(
    teacher: Place,
    train: Data,
    *,
    eval: Data | None = None,
    student: Place | None = None,
    output: Place | None = None,
    settings: Settings | None = None,
    progress: bool = True,
    **options: Unpack[DistillOptions],
) -> DistillResult:
    """Trains a small model to answer as a fine-tuned one does, on your own texts; labels count too where there are any.

    Args:
        teacher: the fine-tuned model: a folder or a hub name.
        train: texts to learn from, with labels or without, as `finetune` takes them.
        eval: labelled examples to measure both on; a tenth of the texts when left out.
        student: what the student begins as; layers of the teacher when left out.
        output: as of `finetune`.
        settings: as of `finetune`.
        progress: as of `finetune`.
        options: as of the command line: layers, epochs, batch_size, learning_rate, seed, text_column, …

    Raises:
        BertkitError: as `finetune`; or the teacher cannot be distilled.
    """
    from bertkit.finetuning.distillation import task_of_teacher
    from bertkit.workflows import distill as distilling

    start = os.fspath(teacher)
    values = _tables_of(train, task_of_teacher(start), eval, student) | {"teacher": {"start": start}}

    def job(folder: str) -> DistillResult:
        config = finetune_config("distill()", _in(values, folder), dict(options), DistillOptions, settings)
        return distilling.distill(config, observer_for(progress))

    return run_in(output, job)


@worded
def pretrain(
    config: Place | Mapping[str, Any] | TrainingConfig,
    *,
    output: Place | None = None,
    settings: Settings | None = None,
    progress: bool = True,
) -> PretrainResult:
    """Trains an encoder on shards. Called again with the same folder, it goes on from its newest checkpoint.

    Args:
        config: the run's TOML file, or its tables as nested dicts.
        output: the run's folder; the configuration's `run.directory` when left out, and without one a folder that is
            there as long as the result or its model is.
        settings: replace values of the configuration: `{"train.steps": 100}`, or `{"train": {"steps": 100}}`.
        progress: show how it gets on, in a terminal or a notebook.

    Raises:
        ConfigError: the file is not there, has a setting that there is not, or the folder is of another run.
        BertkitError: each subclass says what is wrong and what to do.
    """
    from bertkit.workflows import pretrain as pretraining

    values = _tables(config)
    named = output if output is not None else values.get("run", {}).get("directory")

    def job(folder: str) -> PretrainResult:
        put(values, "run.directory", folder)
        found = checked(TrainingConfig, "pretrain()", values, settings)
        return pretraining.pretrain(found, observer_for(progress))

    return run_in(named, job)


def _tables_of(train: Data, task: str, eval: Data | None, model: Place | None) -> Values:
    data = {"train": sources(train, "train"), "eval": None if eval is None else sources(eval, "eval")}
    return {"task": {"name": task}, "model": {"start": None if model is None else os.fspath(model)}, "data": data}


def _in(values: Values, folder: str) -> Values:
    return values | {"run": {"directory": folder}}


def _tables(config: Place | Mapping[str, Any] | TrainingConfig) -> dict[str, Any]:
    """The tables of a configuration, which may be changed."""
    if isinstance(config, TrainingConfig):
        return config.model_dump()
    return deepcopy(dict(config)) if isinstance(config, Mapping) else read_values(Path(config))
