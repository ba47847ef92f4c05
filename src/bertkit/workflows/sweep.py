"""Fine-tuning several times, with other seeds or other settings; the best run's model becomes the folder's own.

```
DIR/
  seed-0 … or trial-000 …   a run each
  seeds.json or search.json what they came to
  model/                    the best one's
```
"""

from __future__ import annotations

import math
import os
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Protocol

from bertkit.checkpoints.folders import atomic_file, atomic_folder
from bertkit.checkpoints.locks import owned
from bertkit.config.finetuning import FinetuneConfig
from bertkit.config.search import SweepConfig
from bertkit.errors import NotFinite, UserError
from bertkit.finetuning.recipe import rate_of
from bertkit.finetuning.training_data import check_files, data_sha256s
from bertkit.metrics.intervals import Interval, over_seeds
from bertkit.pretrained.loading import find_folder, open_pretrained
from bertkit.runs.metrics_file import record_line
from bertkit.runs.random_search import trial
from bertkit.runs.run_folder import RunFolder
from bertkit.runs.run_result import RunResult, finished
from bertkit.workflows.finetune import finetune
from bertkit.workflows.observer import SILENT, Observer
from bertkit.workflows.results import SweepResult


class ScoredRun(Protocol):
    """What a run came to: a `FinetuneResult`."""

    @property
    def metrics(self) -> Mapping[str, float]: ...

    @property
    def score(self) -> float: ...


RunOnce = Callable[[FinetuneConfig, Observer], ScoredRun]


def sweep(config: SweepConfig, observer: Observer = SILENT, run_once: RunOnce = finetune) -> SweepResult:
    """Runs with one seed after another, or with settings drawn at random, on one and the same division of the examples.

    Runs that have ended are not done again. The best one's model becomes `DIR/model`.

    Args:
        run_once: fine-tunes once.

    Raises:
        UserError: a seed diverged, no run has a score, the folder is that of a single run, or several processes.
        Stopped: a run was asked to stop.
        FolderInUse: another run writes into the folder.
    """
    if int(os.environ.get("WORLD_SIZE", "1")) > 1:
        raise UserError("--seeds and --search in several processes", "Start one process; it does one run at a time.")
    base = config.base
    with owned(Path(base.run.directory)):
        if config.search is None:
            results = _run_each(base, _seeds(base, config.seeds or 1), observer, run_once)
            result = _result(base, results, _spread(results), {})
            _keep_best(result, "seeds")
        else:
            runs, settings = _trials(config, config.search)
            results = _run_each(base, runs, observer, run_once)
            result = _result(base, results, {}, settings)
            _keep_best(result, "search")
    return result


def _seeds(config: FinetuneConfig, count: int) -> dict[str, FinetuneConfig]:
    """The run with one seed after another."""
    first, given = config.train.seed, config.data.hold_out_seed
    division = {} if config.data.eval else {"hold_out_seed": first if given is None else given}
    data = config.data.model_copy(update=division)
    return {
        f"seed-{seed}": config.model_copy(
            update={"data": data, "train": config.train.model_copy(update={"seed": seed})}
        )
        for seed in range(first, first + count)
    }


def _trials(config: SweepConfig, count: int) -> tuple[dict[str, FinetuneConfig], dict[str, Mapping[str, float | None]]]:
    """Runs of drawn settings with one seed, and these settings."""
    base = config.base
    rate = rate_of(base, open_pretrained(find_folder(base.model.start)).config.width)
    runs = {f"trial-{number:03d}": trial(base, config.space, rate, number) for number in range(count)}
    settings: dict[str, Mapping[str, float | None]] = {
        name: {
            "learning_rate": run.train.optimiser.learning_rate or rate,
            "epochs": run.train.epochs,
            "batch_samples": run.train.batch_samples,
        }
        for name, run in runs.items()
    }
    return runs, settings


def _run_each(
    config: FinetuneConfig, runs: Mapping[str, FinetuneConfig], observer: Observer, run_once: RunOnce
) -> dict[str, RunResult]:
    """Every run that has not ended yet, in a folder of its own.

    Raises:
        UserError: the folder is that of a single run.
    """
    place = Path(config.run.directory)
    if RunFolder(place).config.exists():
        raise UserError(f"{place}: is the folder of a single run", "Choose another folder with -o.")
    check_files(config.data)
    sha256s = data_sha256s(config.data)
    results: dict[str, RunResult] = {}
    for name, run in runs.items():
        folder = place / name
        run = run.model_copy(update={"run": run.run.model_copy(update={"directory": str(folder)})})
        result = finished(run, sha256s)
        if result is None:
            observer.say(f"{name}: {len(results) + 1} of {len(runs)} runs")
            try:
                ended = run_once(run, observer)
            except NotFinite as error:
                observer.say(f"{name}: {error}")
                result = RunResult({}, math.inf, sha256s)
            else:
                score = ended.score if math.isfinite(ended.score) else math.inf
                result = RunResult(dict(ended.metrics), score, sha256s)
            result.write(folder)
        results[name] = result
    return results


def _result(
    config: FinetuneConfig,
    runs: Mapping[str, RunResult],
    spread: Mapping[str, Interval],
    settings: Mapping[str, Mapping[str, float | None]],
) -> SweepResult:
    """What the runs came to.

    Raises:
        UserError: none has a score.
    """
    scored = {name: result.score for name, result in runs.items() if math.isfinite(result.score)}
    if not scored:
        raise UserError("no run came to a score", "Lower the learning rate.")
    return SweepResult(
        folder=Path(config.run.directory),
        name=config.task.name,
        runs=runs,
        spread=spread,
        settings=settings,
        best=min(scored, key=lambda name: scored[name]),  # the first of several
    )


def _spread(results: Mapping[str, RunResult]) -> dict[str, Interval]:
    """Of each metric over the seeds.

    Raises:
        UserError: a seed diverged.
    """
    for name, result in results.items():
        if not result.metrics:
            raise UserError(
                f"{name} diverged, and the others alone say nothing of the spread", "Lower the learning rate."
            )
    names = next(iter(results.values())).metrics
    return {name: over_seeds([result.metrics[name] for result in results.values()]) for name in names}


def _keep_best(result: SweepResult, what: str) -> None:
    """The best run's model becomes the folder's; what the runs came to is written down."""
    place, best = result.folder, result.best
    with atomic_folder(place / "model", replace=True) as made:
        shutil.copytree(place / best / "model", made, dirs_exist_ok=True)
        with (made / "README.md").open("a", encoding="utf-8") as card:
            card.write(f"\n## Choice\n\n{result.caution}; this one is `{best}`.\n")
    with atomic_file(place / f"{what}.json") as file:
        file.write(record_line(result.record()) + "\n")
