"""Fine-tuning as a user types it, beside what a person would do instead: the quality reached, and what it took.

    python -m benchmarks.finetuning_defaults --results FILE.jsonl [--datasets clinc150-small rte] [--seeds 3]

Sides:
    default     `bertkit finetune --task TASK --train FILE`, and `--eval` where the set has a part to choose on; no
                other option but the seed. The built-in model learns.
    quick       the same with `--quick`: no more than a linear model of what the encoder says.
    tfidf       scikit-learn: TF-IDF of words and pairs of words, logistic regression (ridge for numbers).
    embeddings  sentence-transformers' embeddings by the same model, and scikit-learn's logistic regression (ridge).

All are scored on the same part, which none has seen. Of tags the last two have no counterpart. A run is a line of FILE
and is not done again when it is there. `cpu` is the seconds of all processors that training took, which other work on
the machine changes least; a threaded run has as many as its threads were busy, so compare with OMP_NUM_THREADS=1.
"""

from __future__ import annotations

import argparse
import json
import resource
import statistics
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.finetuning_data import DATASETS, Files, make_files
from benchmarks.measure import json_line, machine, read_lines, run_module
from benchmarks.needed import data_folder
from bertkit.checkpoints.embedded import embedded_folder

SIDES = ("default", "quick", "tfidf", "embeddings")
SEEDED = ("default",)
NAMES = ("clinc150-small", "clinc150", "wnut17", "uner-ewt", "sst2", "rte", "cola", "goemotions", "sick")


def main() -> None:
    """Run what is asked for, and print the table of all that FILE has."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--results", required=True, type=Path)
    parser.add_argument("--datasets", nargs="+", choices=list(DATASETS), default=NAMES)
    parser.add_argument("--sides", nargs="+", choices=SIDES, default=SIDES)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--label", default="", help="what is said of the code in each line, such as a commit")
    options = parser.parse_args()
    data = data_folder()
    with tempfile.TemporaryDirectory() as scratch:
        made = {name: make_files(name, data, Path(scratch) / name) for name in options.datasets}
        for seed in range(options.seeds):
            for name, files in made.items():
                for side in options.sides:
                    if _has(DATASETS[name].task, side) and (seed == 0 or side in SEEDED):
                        _once(options, name, side, seed, files)
    print_table(read_lines(options.results))


def _has(task: str, side: str) -> bool:
    return task == "text-classification" or side in ("default", "quick")


def _once(options: argparse.Namespace, name: str, side: str, seed: int, files: Files) -> None:
    about = {"dataset": name, "side": side, "seed": seed, "code": options.label}
    if any(about.items() <= line.items() for line in read_lines(options.results)):
        return
    began, used = time.perf_counter(), _cpu_seconds()
    with tempfile.TemporaryDirectory() as folder:
        if side in ("default", "quick"):
            metrics, wall, cpu = _typed(name, side, seed, files, Path(folder))
        else:
            task = ["benchmarks.finetuning_defaults_peers", side, name]
            done = run_module([*task, str(files.train), str(files.eval), str(embedded_folder())])
            metrics, wall, cpu = json.loads(done), time.perf_counter() - began, _cpu_seconds() - used
    line = {**about, "metrics": metrics, "wall": round(wall, 1), "cpu": round(cpu, 1), "machine": machine()}
    with options.results.open("a", encoding="utf-8") as file:
        print(json_line(line), file=file, flush=True)
    metric = DATASETS[name].metric
    print(f"{name:16} {side:10} seed {seed} {metric} {metrics[metric]:.4f} {wall:7.1f} s {cpu:7.1f} s cpu", flush=True)


def _typed(name: str, side: str, seed: int, files: Files, folder: Path) -> tuple[Mapping[str, float], float, float]:
    """What a user types: the metrics of the model on the part to score, wall and processor seconds of training."""
    task = DATASETS[name].task
    line = ["bertkit", "finetune", "--task", task, "--train", str(files.train), "-o", str(folder / "run")]
    line += [] if files.dev is None else ["--eval", str(files.dev)]
    line += ["--quick"] if side == "quick" else ["--set", f"train.seed={seed}"]
    began, used = time.perf_counter(), _cpu_seconds()
    run_module(line)
    wall, cpu = time.perf_counter() - began, _cpu_seconds() - used
    scored = ["bertkit", "evaluate", "--task", task, "-m", str(folder / "run/model"), "--data", str(files.eval)]
    metrics: dict[str, float] = json.loads(run_module([*scored, "--json"]))["metrics"]
    return metrics, wall, cpu


def _cpu_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def print_table(lines: Sequence[Mapping[str, Any]]) -> None:
    """A row a set and a side: mean and deviation over seeds, median seconds."""
    print(f"{'set':16} {'side':10} {'code':10} {'metric':18} {'seeds':>5} {'mean':>7} {'deviation':>9} {'cpu s':>7}")
    kinds: dict[tuple[str, str, str], list[Mapping[str, Any]]] = {}
    for line in lines:
        kinds.setdefault((line["dataset"], line["side"], line["code"]), []).append(line)
    for (name, side, code), same in sorted(kinds.items()):
        metric = DATASETS[name].metric
        values = [line["metrics"][metric] for line in same]
        deviation = f"{statistics.stdev(values):.4f}" if len(values) > 1 else ""
        seconds = statistics.median(line["cpu"] or 0 for line in same)
        mean = statistics.mean(values)
        print(f"{name:16} {side:10} {code:10} {metric:18} {len(same):5} {mean:7.4f} {deviation:>9} {seconds:7.0f}")


if __name__ == "__main__":
    main()
