"""The benchmark, the whole job: bertkit and its peers on cells of work, the planner's prediction beside each.

Weights are random: speed does not depend on what they are. Every contestant takes the batch that is best for it; rounds
are interleaved; a file is written after each cell, and a run that was killed goes on with it.
"""

from __future__ import annotations

import math
import os
import platform
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from datetime import date
from functools import partial
from importlib import metadata
from pathlib import Path

import torch

from bertkit.benchmarking.bertkit_speed import BertkitSpeed
from bertkit.benchmarking.cells import MIXED_TEXTS, Batches, Cell, Kind, texts_of_round, tokens_of
from bertkit.benchmarking.load import busy_words, load_now
from bertkit.benchmarking.on_device import device_name
from bertkit.benchmarking.peers import Absent, Peer, hub_config
from bertkit.benchmarking.racing import Contestant, TimedRounds, best_batch, race
from bertkit.benchmarking.results import AbsentRow, BenchFile, BenchRow, PredictedSpeed, begun
from bertkit.config.encoder import EncoderConfig
from bertkit.errors import BertkitError, OutOfMemory, UserError
from bertkit.planner.calibration import read_calibration
from bertkit.planner.devices import Device, load_devices
from bertkit.planner.memory import needed, room
from bertkit.planner.plan import likely_range
from bertkit.planner.rates import precision_called, rate
from bertkit.planner.software import SOFTWARE
from bertkit.planner.speed import batch_time
from bertkit.planner.this_machine import processor_name, this_machine, usable_cores
from bertkit.planner.work import Mode, Work
from bertkit.workflows.observer import SILENT, Observer

US = "bertkit"
CANDIDATES: Mapping[str, tuple[int, ...]] = {"cpu": (1, 2, 4, 8, 16, 32), "cuda": (1, 4, 16, 32, 64, 128, 256)}
ENGINES = {US: SOFTWARE["bertkit"], "transformers": SOFTWARE["transformers"]}
MODES: Mapping[Kind, Mode] = {"inference": "inference", "training": "fine-tuning"}


@dataclass(frozen=True)
class BenchmarkConfig:
    """What is measured, of which encoder.

    Attributes:
        peers: the Python that each peer runs in, by its name.
        seconds: of work of each contestant in each cell.
        largest: batch that is tried; None for what the device is given.
        mixed_texts: of a round of mixed lengths.
    """

    model: str
    encoder: EncoderConfig
    cells: Sequence[Cell]
    device: torch.device
    output: Path
    peers: Mapping[str, str] = field(default_factory=dict)
    seconds: float = 10.0
    largest: int | None = None
    mixed_texts: int = MIXED_TEXTS


@dataclass(frozen=True)
class BenchmarkResult:
    """What came of it.

    Attributes:
        file: that it was written to, and holds all of it.
        measured: how many rows are new.
    """

    path: Path
    file: BenchFile
    measured: int


def benchmark(
    config: BenchmarkConfig, observer: Observer = SILENT, now: Callable[[], float] = time.perf_counter
) -> BenchmarkResult:
    """Measures every cell that the output file does not have yet.

    Args:
        observer: is told which cell is being measured.
        now: the clock of bertkit's rounds.

    Raises:
        InputError: the output file is of another run.
        OutputError: it cannot be written.
    """
    device = used_device(config.device)
    file = begun(config.output, _fresh(config))
    file.write(config.output)  # an unwritable place shows before anything is measured
    before = len(file.rows)
    names = (US, *config.peers)
    todo = [cell for cell in config.cells if any((cell.key, name) not in file.done for name in names)]
    if todo and (busy := busy_words(load_now(), usable_cores())) is not None:
        observer.say(busy)
    for number, cell in enumerate(config.cells, 1):
        left = [name for name in names if (cell.key, name) not in file.done]
        if not left:
            continue
        observer.say(f"[{number}/{len(config.cells)}] {cell.key}: {', '.join(left)}")
        for row in _measured(config, cell, left, device, now):
            observer.say(f"    {_in_words(row)}")
            (file.rows if isinstance(row, BenchRow) else file.absent).append(row)  # type: ignore[arg-type]
        file.write(config.output)
    return BenchmarkResult(config.output, file, len(file.rows) - before)


def used_device(device: torch.device) -> Device:
    """What the planner is asked about: this machine, of its cores as many as torch has threads."""
    found = this_machine(load_devices())
    return replace(found, count=torch.get_num_threads()) if device.type == "cpu" else found


def _in_words(row: BenchRow | AbsentRow) -> str:
    if isinstance(row, AbsentRow):
        return f"{row.contestant}: left out: {row.why}"
    return f"{row.contestant}: {row.tokens_per_second:,.0f} tokens/s in batches of {row.batch}"


def _measured(
    config: BenchmarkConfig, cell: Cell, names: Sequence[str], device: Device, now: Callable[[], float]
) -> Iterator[BenchRow | AbsentRow]:
    """The rows of a cell: those that cannot take part first."""
    work = partial(_work, config, cell)
    contestants: dict[str, Contestant] = {}
    sizes: dict[str, int] = {}
    versions = _versions((US,))
    with ExitStack() as stack:
        for name in names:
            try:
                made = _contestant(config, cell, name, now)
                if isinstance(made, Peer):
                    versions[name] = stack.enter_context(made).version
                sizes[name] = (
                    1
                    if cell.size == "1"
                    else best_batch(made, _candidates(config, cell, device), work, config.seconds or math.inf)
                )
                contestants[name] = made
            except (Absent, OutOfMemory) as error:
                yield AbsentRow(cell=cell.key, contestant=name, why=str(error))
            except BertkitError as error:  # a peer that fails is no reason to measure nobody
                if name == US:
                    raise
                yield AbsentRow(cell=cell.key, contestant=name, why=error.what)
        if contestants:
            for name, measured in race(contestants, sizes, work, config.seconds).items():
                yield _row(config, cell, name, versions.get(name, ""), measured, device)


def _work(config: BenchmarkConfig, cell: Cell, batch: int, turn: int) -> Batches:
    return texts_of_round(cell, batch, turn, config.encoder.max_length, config.mixed_texts)


def _contestant(config: BenchmarkConfig, cell: Cell, name: str, now: Callable[[], float]) -> Contestant:
    if name == US:
        if cell.precision == "int8" and (cell.kind != "inference" or config.device.type != "cpu"):
            raise Absent("int8 is for answering, on a CPU")
        return BertkitSpeed(config.encoder, cell.kind, cell.precision, config.device, now)
    setup = hub_config(config.encoder)
    if setup is None:
        raise Absent("no family of the hub's has an encoder of these sizes")
    told = {
        "config": setup,
        "kind": cell.kind,
        "precision": cell.precision,
        "threads": torch.get_num_threads(),
        "device": config.device.type,
    }
    return Peer(name, config.peers[name], told)


def _candidates(config: BenchmarkConfig, cell: Cell, device: Device) -> list[int]:
    """Batches to try, those left out that the planner knows not to fit."""
    known, free = CANDIDATES.get(config.device.type, CANDIDATES["cpu"]), room(device)

    def fits(size: int) -> bool:
        longest = max(_work(config, cell, size, 1), key=sum)
        return free is None or needed(_planned(config, cell, US, longest), device).total <= free[0]

    return [size for size in known if size <= (config.largest or size) and fits(size)] or [1]


def _planned(config: BenchmarkConfig, cell: Cell, name: str, lengths: Sequence[int]) -> Work:
    """A batch, as the planner has it."""
    precision = precision_called(cell.precision)
    return Work(config.encoder, MODES[cell.kind], tuple(lengths), precision, ENGINES[name])


def _row(
    config: BenchmarkConfig, cell: Cell, name: str, version: str, measured: TimedRounds, device: Device
) -> BenchRow:
    return BenchRow(
        cell=cell.key,
        kind=cell.kind,
        precision=cell.precision,
        lengths=cell.lengths,
        size=cell.size,
        contestant=name,
        version=version,
        batch=measured.batch,
        rounds=len(measured.seconds),
        tokens_per_second=measured.tokens_per_second,
        texts_per_second=measured.texts_per_second,
        spread=measured.spread,
        predicted=_prediction(config, cell, name, measured, device),
    )


def _prediction(
    config: BenchmarkConfig, cell: Cell, name: str, measured: TimedRounds, device: Device
) -> PredictedSpeed | None:
    """The planner's, of the contestants that it knows."""
    if name not in ENGINES:
        return None
    batches = _work(config, cell, measured.batch, 1)
    try:
        seconds = sum(batch_time(_planned(config, cell, name, batch), device).seconds for batch in batches)
    except UserError:  # of a device that it does not know
        return None
    speed = tokens_of(batches) / seconds
    low, high = likely_range(device, rate(device, precision_called(cell.precision)))
    error = speed / measured.tokens_per_second - 1
    return PredictedSpeed(tokens_per_second=speed, low=low * speed, high=high * speed, error=error)


def _fresh(config: BenchmarkConfig) -> BenchFile:
    """A file without rows: where it is measured, and with what."""
    libraries = ("torch", "transformers", "onnxruntime", "openvino")
    return BenchFile(
        model=config.model,
        encoder=config.encoder.model_dump(mode="json"),
        machine={
            "processor": processor_name(),
            "cores": usable_cores(),
            "threads": torch.get_num_threads(),
            "memory_gib": _memory_gib(),
            "device": device_name(config.device) or config.device.type,
            "system": f"{platform.system()} {platform.machine()}",
            "instructions": torch.backends.cpu.get_cpu_capability(),
        },
        versions={"python": platform.python_version()} | _versions((US, *libraries)),
        date=date.today().isoformat(),
        calibrated=read_calibration(processor_name(), usable_cores()) is not None,
    )


def _versions(libraries: Sequence[str]) -> dict[str, str]:
    found = {}
    for name in libraries:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found


def _memory_gib() -> int | None:
    try:
        return round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30)
    except (ValueError, OSError):  # not every system says
        return None
