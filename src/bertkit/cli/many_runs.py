"""`bertkit finetune --seeds` and `--search`: several runs in one folder, and the best one's model for the folder's own.

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
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from bertkit.errors import ConfigError, NotFinite, UserError
from bertkit.terminal.messages import say
from bertkit.terminal.tables import table

if TYPE_CHECKING:
    from bertkit.config.finetuning import FinetuneConfig
    from bertkit.config.search import SearchTable
    from bertkit.finetuning.run import Finetuned
    from bertkit.runs.run_result import RunResult

    # One run, whose results are shown where `show` is true; None where it was asked to stop.
    RunOnce = Callable[[FinetuneConfig, bool], Finetuned | None]

OPTIMISTIC = "The best of {count} runs by the examples that they were compared on is better there than on others"


def finetune_as_asked(
    values: dict[str, object],
    overrides: Sequence[str],
    seeds: int | None,
    search: int | None,
    run_once: RunOnce,
    *,
    json: bool,
) -> bool:
    """One run, or as many as are asked for; false where it was asked to stop before the end.

    Args:
        values: the tables of the configuration, before the overrides.

    Raises:
        UserError: options that do not go together, or several runs in several processes.
        FolderInUse: another run writes into the folder.
    """
    from bertkit.checkpoints.locks import owned
    from bertkit.config.finetuning import FinetuneConfig
    from bertkit.config.search import SearchTable
    from bertkit.config.strict import parse
    from bertkit.config.training_file import with_overrides

    source = f"the options{' with --set ' + ' '.join(overrides) if overrides else ''}"
    values = with_overrides(values, overrides)
    space = values.pop("search", {}) if search is not None else {}
    if seeds is not None and search is not None:
        raise UserError("--seeds and --search together", "Search first, then repeat what was found with --seeds.")
    config = parse(FinetuneConfig, values, source)
    if seeds is None and search is None:
        return run_once(config, True) is not None
    if not isinstance(space, dict):
        raise ConfigError(f"search is {space!r}, not a table", 'Write it as --set "search.epochs=[2, 3]".')
    table = parse(SearchTable, space, "search")
    if int(os.environ.get("WORLD_SIZE", "1")) > 1:
        raise UserError("--seeds and --search in several processes", "Start one process; it does one run at a time.")
    with owned(Path(config.run.directory)):
        if search is None:
            assert seeds is not None
            return _seeds(config, seeds, run_once, json)
        return _search(config, table, search, run_once, json)


def _seeds(config: FinetuneConfig, count: int, run_once: RunOnce, json: bool) -> bool:
    """The run with one seed after another, on one and the same division of the examples."""
    from bertkit.metrics.intervals import over_seeds

    first = config.train.seed
    data = config.data if config.data.eval else config.data.model_copy(update={"hold_out_seed": _division(config)})
    runs = {
        f"seed-{seed}": config.model_copy(
            update={"data": data, "train": config.train.model_copy(update={"seed": seed})}
        )
        for seed in range(first, first + count)
    }
    results = _run_each(config, runs, run_once)
    if results is None:
        return False
    for name, result in results.items():
        if not result.metrics:
            raise UserError(
                f"{name} diverged, and the others alone say nothing of the spread", "Lower the learning rate."
            )
    names = next(iter(results.values())).metrics
    spread = {name: over_seeds([result.metrics[name] for result in results.values()]) for name in names}
    rows = [
        (
            name,
            *(f"{one.value:.4f}", f"{one.deviation:.4f}", f"{one.low:.4f} to {one.high:.4f}"),
            *(f"{result.metrics[name]:.4f}" for result in results.values()),
        )
        for name, one in spread.items()
    ]
    intervals = {name: {"deviation": one.deviation, "low": one.low, "high": one.high} for name, one in spread.items()}
    metrics = {name: one.value for name, one in spread.items()}
    shown = table(("metric", "mean", "deviation", "95 % interval", *results), rows)
    _end(config, "seeds", results, {"metrics": metrics, "intervals": intervals}, shown, json)
    return True


def _search(config: FinetuneConfig, space: SearchTable, count: int, run_once: RunOnce, json: bool) -> bool:
    """Trials of settings, with one seed, on one and the same division of the examples."""
    from bertkit.finetuning.recipe import rate_of
    from bertkit.pretrained.loading import find_folder, open_pretrained
    from bertkit.runs.random_search import trial

    rate = rate_of(config, open_pretrained(find_folder(config.model.start)).config.width)
    runs = {f"trial-{number:03d}": trial(config, space, rate, number) for number in range(count)}
    results = _run_each(config, runs, run_once)
    if results is None:
        return False
    best = _best(results)
    names = list(results[best].metrics)
    settings = {
        name: {
            "learning_rate": run.train.optimiser.learning_rate or rate,
            "epochs": run.train.epochs,
            "batch_samples": run.train.batch_samples,
        }
        for name, run in runs.items()
    }
    ordered = sorted(results, key=lambda name: results[name].score)
    rows = [
        (
            name,
            *("by the data" if value is None else f"{value:.3g}" for value in settings[name].values()),
            *(f"{results[name].metrics.get(metric, math.nan):.4f}" for metric in names),
        )
        for name in ordered
    ]
    shown = table(("trial", "learning rate", "epochs", "batch", *names), rows)
    _end(config, "search", results, {"metrics": results[best].metrics, "settings": settings}, shown, json)
    return True


def _division(config: FinetuneConfig) -> int:
    given = config.data.hold_out_seed
    return config.train.seed if given is None else given


def _run_each(
    config: FinetuneConfig, runs: Mapping[str, FinetuneConfig], run_once: RunOnce
) -> dict[str, RunResult] | None:
    """Every run that has not ended yet, in a folder of its own; None where one was asked to stop.

    Raises:
        UserError: the folder is that of a single run.
    """
    from bertkit.finetuning.training_data import check_files, data_sha256s
    from bertkit.runs.run_result import RunResult, finished

    place = Path(config.run.directory)
    if (place / "config.toml").exists():
        raise UserError(f"{place}: is the folder of a single run", "Choose another folder for several.")
    check_files(config.data)
    sha256s = data_sha256s(config.data)
    results: dict[str, RunResult] = {}
    for name, run in runs.items():
        folder = place / name
        run = run.model_copy(update={"run": run.run.model_copy(update={"directory": str(folder)})})
        result = finished(run, sha256s)
        if result is None:
            say(f"{name}: {len(results) + 1} of {len(runs)} runs")
            try:
                ended = run_once(run, False)
            except NotFinite as error:
                say(f"{name}: {error}")
                result = RunResult({}, math.inf, sha256s)
            else:
                if ended is None:
                    return None
                result = RunResult(ended.measures, ended.score if math.isfinite(ended.score) else math.inf, sha256s)
            result.write(folder)
        results[name] = result
    return results


def _best(results: Mapping[str, RunResult]) -> str:
    """The run of the best score, the first of several.

    Raises:
        UserError: none has one.
    """
    scored = {name: result.score for name, result in results.items() if math.isfinite(result.score)}
    if not scored:
        raise UserError("no run came to a score", "Lower the learning rate.")
    return min(scored, key=lambda name: scored[name])


def _end(
    config: FinetuneConfig,
    what: str,
    results: Mapping[str, RunResult],
    record: dict[str, object],
    text: str,
    json: bool,
) -> None:
    """The best run's model becomes the folder's; what the runs came to is written down, and told."""
    from bertkit.checkpoints.folders import atomic_file, atomic_folder
    from bertkit.runs.metrics_file import record_line

    place, best = Path(config.run.directory), _best(results)
    optimistic = OPTIMISTIC.format(count=len(results))
    with atomic_folder(place / "model", replace=True) as made:
        shutil.copytree(place / best / "model", made, dirs_exist_ok=True)
        with (made / "README.md").open("a", encoding="utf-8") as card:
            card.write(f"\n## Choice\n\n{optimistic}; this one is `{best}`.\n")
    record |= {"best": best, "runs": {name: result.metrics for name, result in results.items()}}
    with atomic_file(place / f"{what}.json") as file:
        file.write(record_line(record) + "\n")
    if json:
        typer.echo(record_line(record))
        return
    typer.echo(text)
    say(f"the model in {place / 'model'} is that of {best}")
    say(f"{optimistic}: measure it on examples that chose nothing")
