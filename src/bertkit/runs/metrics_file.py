"""`metrics.jsonl`: all that was measured in a run, one JSON object a line."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from bertkit.checkpoints.folders import atomic_file
from bertkit.errors import InputError, OutputError
from bertkit.training.observer import Record

Points = list[tuple[int, float]]


class MetricsFile:
    """Records at the end of a file, each on disk as soon as it is known.

    A line without its end is what a killed run leaves behind; opening the file removes it.

    Args:
        path: the file, made with the first record. Its folder must be there.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        _drop_torn_line(path)

    def append(self, record: Record) -> None:
        """Write one record.

        Raises:
            OutputError: it cannot be written.
        """
        line = (record_line(record) + "\n").encode()
        try:
            # Opened anew each time: what was written is then visible at once to other machines of a network disk, too.
            with self.path.open("ab", buffering=0) as file:
                file.write(line)
        except OSError as error:
            raise OutputError(
                f"{self.path}: cannot be written: {error.strerror}", "Check the disk, then run the command again."
            ) from error

    def on_record(self, record: Record) -> None:
        """`append`, as an observer of a run."""
        self.append(record)

    def rewind(self, step: int) -> None:
        """Drop every record after `step`: a run that goes on from its checkpoint will make them again.

        Raises:
            OutputError: it cannot be written.
        """
        if not self.path.exists():
            return
        kept = [record for record in read_metrics(self.path) if step_of(record) <= step]
        with atomic_file(self.path) as file:
            file.writelines(record_line(record) + "\n" for record in kept)


def record_line(record: Record) -> str:
    """The record as one line of JSON, without the line end. What JSON cannot say (NaN, infinity) becomes null."""
    return json.dumps(_sayable(record), ensure_ascii=False, allow_nan=False)


def read_metrics(path: Path) -> list[dict[str, object]]:
    """All records of a file, in order; none where there is no file. A last line without its end is left out.

    Raises:
        InputError: naming the first line that is not a record.
    """
    if not path.exists():
        return []
    *lines, _torn = path.read_bytes().split(b"\n")
    return [_parsed(line, f"{path}:{number}") for number, line in enumerate(lines, 1) if line.strip()]


def step_of(record: Record) -> int:
    """The step a record is of; 0 where it does not say."""
    step = record.get("step", 0)
    return step if isinstance(step, int) else 0


def number_of(record: Record, name: str) -> float | None:
    """A measure of a record; None where it is not there or not a number."""
    value = record.get(name)
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def points(records: Iterable[Record], name: str) -> Points:
    """(step, value) of every record that has the measure."""
    found = ((step_of(record), number_of(record, name)) for record in records)
    return [(step, value) for step, value in found if value is not None]


def evaluations(records: Iterable[Record]) -> list[dict[str, object]]:
    """The evaluations, each as a record of its own: its measures, and `step`."""
    found = []
    for record in records:
        measures = record.get("evaluation")
        if isinstance(measures, dict):
            found.append({**measures, "step": step_of(record)})
    return found


def names_of(records: Iterable[Record], ending: str) -> Sequence[str]:
    """Names of measures with this ending, in the order in which they first stand (`/loss`: `fill-mask/loss`, …)."""
    return list(dict.fromkeys(name for record in records for name in record if name.endswith(ending)))


def _parsed(line: bytes, place: str) -> dict[str, object]:
    try:
        record = json.loads(line)
    except ValueError:
        record = None
    if not isinstance(record, dict):
        raise InputError(f"{place}: not a JSON object", "Remove this line; the others are records of the run.")
    return record


def _sayable(value: object) -> object:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, list | tuple):
        return [_sayable(part) for part in value]
    if isinstance(value, Mapping):
        return {str(name): _sayable(part) for name, part in value.items()}
    return value


def _drop_torn_line(path: Path) -> None:
    if not path.exists():
        return
    with path.open("r+b") as file:
        content = file.read()
        end = content.rfind(b"\n") + 1
        if end < len(content):
            file.truncate(end)
