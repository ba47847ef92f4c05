"""The file of one benchmark: what was measured where, written after each measurement, so that a killed one goes on."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pydantic import Field

from bertkit.checkpoints.folders import atomic_file
from bertkit.config.strict import Strict, parse
from bertkit.errors import BertkitError, ConfigError, InputError


class PredictedSpeed(Strict):
    """The planner's, of what was measured beside it.

    Attributes:
        error: the prediction's, as a share of what was measured; more than 0 where too much was predicted.
    """

    tokens_per_second: float
    low: float
    high: float
    error: float


class BenchRow(Strict):
    """One contestant on one cell.

    Attributes:
        spread: half of what lies between the quartiles, as a share of the median.
        predicted: None where the planner has no answer.
    """

    cell: str
    kind: str
    precision: str
    lengths: str
    size: str
    contestant: str
    version: str
    batch: int
    rounds: int
    tokens_per_second: float
    texts_per_second: float
    spread: float
    predicted: PredictedSpeed | None = None


class AbsentRow(Strict):
    """A contestant that did not take part in a cell, and why."""

    cell: str
    contestant: str
    why: str


class BenchFile(Strict):
    """One run of the benchmark.

    Attributes:
        bertkit_bench: the version of this format.
        encoder: every field of its configuration.
        machine: processor, cores, threads, memory, device.
        versions: of Python and of libraries.
        calibrated: whether predictions stand on `bertkit bench --calibrate`.
    """

    bertkit_bench: int = 1
    model: str
    encoder: dict[str, Any]
    machine: dict[str, Any]
    versions: dict[str, str]
    date: str
    calibrated: bool
    rows: list[BenchRow] = Field(default_factory=list)
    absent: list[AbsentRow] = Field(default_factory=list)

    @property
    def done(self) -> set[tuple[str, str]]:
        """Cells and contestants that need not be measured."""
        measured = {(row.cell, row.contestant) for row in self.rows}
        return measured | {(row.cell, row.contestant) for row in self.absent}

    def of_the_same(self, other: BenchFile) -> bool:
        """Whether both are of one model on one machine, by the same versions."""
        names = ("model", "encoder", "machine", "versions")
        return all(_plain(getattr(self, name)) == _plain(getattr(other, name)) for name in names)

    def write(self, path: Path) -> None:
        """Whole, or not at all.

        Raises:
            OutputError: it cannot be written.
        """
        with atomic_file(path) as file:
            file.write(json.dumps(self.model_dump(), indent=1, ensure_ascii=False) + "\n")


def _plain(value: object) -> object:
    return json.loads(json.dumps(value))  # tuples become the lists that a file has


def read_bench(path: Path) -> BenchFile:
    """A file of one run.

    Raises:
        InputError: it cannot be read, or is none.
    """
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: cannot be read: {error}", "Name a file that bertkit bench has written.") from None
    if not isinstance(values, dict) or "bertkit_bench" not in values:
        raise InputError(f"{path}: is no file of bertkit bench", "Name one that bertkit bench has written.")
    try:
        return parse(BenchFile, values, str(path))
    except ConfigError as error:
        raise InputError(error.what, "Measure again: bertkit bench.") from None


def begun(path: Path, fresh: BenchFile) -> BenchFile:
    """The run that a file has, to go on with; a fresh one where there is no file.

    Raises:
        InputError: the file is of another model, another machine or other versions, or is none.
    """
    if not path.exists():
        return fresh
    found = read_bench(path)
    if not found.of_the_same(fresh):
        remedy = "Choose another file with -o, or remove this one to measure anew."
        raise InputError(f"{path}: is of another model, machine or version, and cannot be gone on with", remedy)
    return found


def read_folder(folder: Path) -> Iterator[tuple[Path, BenchFile | BertkitError]]:
    """Every JSON file of a folder, in the order of their names; those that are no benchmarks as an error."""
    for path in sorted(folder.glob("*.json")):
        try:
            yield path, read_bench(path)
        except BertkitError as error:
            yield path, error
