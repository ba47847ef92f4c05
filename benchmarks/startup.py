"""How long the command line takes to say something, beside Python itself and beside Python beside itself (the noise).

python -m benchmarks.startup [--rounds N]

What is imported on the way is tested (`tests/architecture/test_surface.py`); how long it takes is measured here.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from functools import partial

from benchmarks.measure import json_line, machine, race, ratio

CONTESTANTS = {
    "bertkit --help": ["-m", "bertkit", "--help"],
    "bertkit --version": ["-m", "bertkit", "--version"],
    "import bertkit": ["-c", "import bertkit"],
    "python": ["-c", ""],
    "python again": ["-c", ""],
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=25)
    rounds = parser.parse_args().rounds
    runs = {name: partial(_run, [sys.executable, *arguments]) for name, arguments in CONTESTANTS.items()}
    timings = race(runs, rounds)
    rows = []
    for name, timing in timings.items():
        times, low, high = ratio(timing, timings["python"])
        print(f"{name:<18} {1000 * timing.median:7.0f} ms   {times:.2f} times Python ({low:.2f} to {high:.2f})")
        rows.append({"name": name, "median_seconds": timing.median, "times_python": times, "quartiles": [low, high]})
    print(json_line({"startup": rows, "rounds": rounds, **machine()}))


def _run(command: list[str]) -> None:
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


if __name__ == "__main__":
    main()
