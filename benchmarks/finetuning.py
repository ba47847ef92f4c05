"""Fine-tuning on a CPU against transformers' Trainer: the quality reached, and the time of a step.

    python -m benchmarks.finetuning quality --results FILE.jsonl [--datasets sst2 rte] [--seeds 3] [--examples 2000]
    python -m benchmarks.finetuning speed [--datasets sst2 squad wnut17] [--steps 200]

Both sides start from the same checkpoint (the built-in MiniLM) and learn the same examples, as many a step, with the
same optimiser, schedule, dropout and epochs; the weights after the last step count. Sets are in $BERTKIT_TEST_DATA.

quality: bertkit by its command line, the peer with batches of about one length, padded to their longest; a third side,
`lora`, is bertkit's with narrow matrices. `bertkit evaluate` scores all sides' models on the set's development part.
Each run is a line of FILE, and is not done again when it is there; the table is of all lines. A mean is given with its
95 % interval over seeds (Student's t).

speed: each contestant a process of its own, taking steps in turn. `padded` pads as transformers' own example script
of the task does (to 128 or 384 tokens; run_ner: to the longest of a batch), `grouped` is as above. Tokens of padding
are not counted. A peer against itself (A/A) is the noise. Interrupted, it reports the rounds that all have done. Of
SQuAD a contestant takes up to 9 GB: `--contestants bertkit padded grouped` leaves one out.
"""

from __future__ import annotations

import argparse
import json
import math
import statistics
import tempfile
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path

import torch
from scipy import stats

from benchmarks.contestants import Contestant, compete, report
from benchmarks.finetuning_contestants import BATCH, Setup
from benchmarks.finetuning_data import DATASETS, Files, make_files
from benchmarks.measure import json_line, machine, read_lines, run_module
from benchmarks.needed import data_folder
from bertkit.checkpoints.embedded import embedded_folder
from bertkit.training.assembly import choose_precision

SIDES = ("bertkit", "grouped", "lora")
OURS = ("bertkit", "lora")
LEARNING_RATE = 1e-4
CONTESTANTS = {"bertkit": "bertkit", "padded": "padded", "grouped": "grouped", "grouped again": "grouped"}
AT_ONCE = 10  # steps of a contestant in a round


def main() -> None:
    """Run what is asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["quality", "speed"])
    parser.add_argument("--datasets", nargs="+", choices=list(DATASETS))
    parser.add_argument("--model", default=str(embedded_folder()), help="a folder; the built-in MiniLM")
    parser.add_argument("--sides", nargs="+", choices=SIDES, default=SIDES[:2], help="of quality")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--examples", type=int, help="to learn from, 0 for all; without it as many as each set says")
    parser.add_argument("--epochs", type=float, help="without it as many as each set says")
    parser.add_argument("--learning-rate", type=float, default=LEARNING_RATE)
    parser.add_argument("--precision", choices=["auto", "float32", "bfloat16"], default="auto")
    parser.add_argument("--results", help="of quality: the file of all runs")
    parser.add_argument("--steps", type=int, default=200, help="of speed: steps of each contestant")
    parser.add_argument(
        "--contestants", nargs="+", choices=list(CONTESTANTS), default=list(CONTESTANTS), help="of speed"
    )
    options = parser.parse_args()
    if options.what == "quality" and options.results is None:
        parser.error("quality needs --results FILE")
    if "grouped again" in options.contestants and "grouped" not in options.contestants:
        parser.error("grouped again is compared with grouped")
    data = data_folder()
    names = options.datasets or (["sst2", "squad", "wnut17"] if options.what == "speed" else list(DATASETS))
    with tempfile.TemporaryDirectory() as scratch:
        for name in names:
            files = make_files(name, data, Path(scratch) / name, options.examples)
            setup = Setup(
                kind="bertkit",
                dataset=name,
                train=str(files.train),
                eval=str(files.eval),
                model=options.model,
                precision=options.precision,
                learning_rate=options.learning_rate,
                epochs=options.epochs or DATASETS[name].epochs,
                seed=0,
            )
            if options.what == "speed":
                _race(setup, ["bertkit", *(name for name in options.contestants if name != "bertkit")], options.steps)
            else:
                _learn(setup, files, options.sides, options.seeds, Path(options.results), Path(scratch))
    if options.what == "quality":
        print_table(read_lines(Path(options.results)))


def _learn(setup: Setup, files: Files, sides: Sequence[str], seeds: int, results: Path, scratch: Path) -> None:
    for seed in range(seeds):
        for kind in sides:
            one = replace(setup, kind=kind, seed=seed, output=str(scratch / f"{setup.dataset}-{kind}-{seed}"))
            about = {
                "dataset": one.dataset,
                "side": kind,
                "seed": seed,
                "examples": files.examples,
                "epochs": one.epochs,
                "learning_rate": one.learning_rate,
                "batch": BATCH,
                "precision": choose_precision(one.precision, torch.device("cpu")),  # type: ignore[arg-type]
            }
            if any(about.items() <= line.items() for line in read_lines(results)):
                continue
            began = time.perf_counter()
            if kind in OURS:
                run_module(["bertkit", "finetune", *_command_line(one)])
            else:
                run_module(["benchmarks.finetuning_contestants", "train", one.to_json()])
            seconds = time.perf_counter() - began
            line = {**about, "metrics": _metrics(one), "seconds": round(seconds, 1), "machine": machine()}
            with results.open("a", encoding="utf-8") as file:
                print(json_line(line), file=file, flush=True)
            metric = DATASETS[one.dataset].metric
            print(
                f"{one.dataset:16} {kind:8} seed {seed} {metric} {line['metrics'][metric]:.4f} {seconds:7.0f} s",
                flush=True,
            )


def _command_line(setup: Setup) -> list[str]:
    """What a user would type for the settings."""
    settings = setup.settings()
    kept_out = ("task.name", "task.problem", "model.start", "data.train", "data.eval", "run.directory")
    line = ["--task", settings["task"]["name"], "-m", setup.model, "--train", setup.train, "--eval", setup.eval]
    line += ["-o", setup.output]
    if settings["task"]["problem"]:
        line += ["--problem", settings["task"]["problem"]]
    for table, values in settings.items():
        for name, value in _flat(values):
            if f"{table}.{name}" not in kept_out and value is not None:
                line += ["--set", f"{table}.{name}={value}"]
    return line


def _flat(values: dict[str, object], prefix: str = "") -> list[tuple[str, object]]:
    pairs: list[tuple[str, object]] = []
    for name, value in values.items():
        pairs += _flat(value, f"{prefix}{name}.") if isinstance(value, dict) else [(prefix + name, value)]
    return pairs


def _metrics(setup: Setup) -> dict[str, float]:
    dataset, folder = DATASETS[setup.dataset], Path(setup.output)
    line = ["bertkit", "evaluate", "--task", dataset.task, "--data", setup.eval, "--dtype", "float32", "--json"]
    line += ["-m", str(folder / "model" if setup.kind in OURS else folder)]
    if dataset.problem is not None:
        line += ["--problem", dataset.problem]
    scores: dict[str, float] = json.loads(run_module(line))["metrics"]
    return scores


def print_table(lines: Sequence[dict[str, object]]) -> None:
    """A row a set and a side: mean, deviation, interval over seeds."""
    print(f"{'set':16} {'examples':>8} {'metric':18} {'side':8} {'seeds':>5}   mean (95 % interval), deviation")
    kinds: dict[tuple[object, ...], list[float]] = {}
    for line in lines:
        name, metrics = str(line["dataset"]), line["metrics"]
        assert isinstance(metrics, dict)
        key = (name, line["examples"], line["epochs"], line["learning_rate"], line["side"])
        kinds.setdefault(key, []).append(metrics[DATASETS[name].metric])
    for (name, examples, _, _, side), values in kinds.items():
        mean = statistics.mean(values)
        spread = "one seed"
        if len(values) > 1:
            deviation = statistics.stdev(values)
            half = float(stats.t.ppf(0.975, len(values) - 1)) * deviation / math.sqrt(len(values))
            spread = f"({mean - half:.4f} to {mean + half:.4f}), {deviation:.4f}"
        metric = DATASETS[str(name)].metric
        print(f"{name!s:16} {examples!s:>8} {metric:18} {side!s:8} {len(values):5}   {mean:.4f} {spread}")


def _race(setup: Setup, names: Sequence[str], steps: int) -> None:
    precision = choose_precision(setup.precision, torch.device("cpu"))  # type: ignore[arg-type]
    print(f"{setup.dataset}, {precision}, {BATCH} examples a step, {steps} steps")
    print(f"{'set':8} {'contestant':32} {'tokens/s':>8} {'peak MiB':>8} {'loss':>6}  bertkit is faster by", flush=True)
    setup = replace(setup, steps=AT_ONCE, epochs=1_000.0)
    with ExitStack() as stack:
        contestants = {
            name: stack.enter_context(
                Contestant(
                    ["benchmarks.finetuning_contestants", "steps", replace(setup, kind=CONTESTANTS[name]).to_json()],
                    AT_ONCE,
                )
            )
            for name in names
        }
        compete(contestants, max(2, steps // AT_ONCE))
        rows = report(setup.dataset, contestants, "grouped")
        steps = len(contestants["bertkit"].taken.seconds) * AT_ONCE
    about = {"dataset": setup.dataset, "precision": precision, "steps": steps, "batch": BATCH, "rows": rows}
    print(json_line({"benchmark": "finetuning", "machine": machine() | {"accelerate": version("accelerate")}, **about}))


if __name__ == "__main__":
    main()
