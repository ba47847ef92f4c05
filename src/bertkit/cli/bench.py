"""`bertkit bench`: how fast a machine answers and trains, beside peers and predictions; calibration; a leaderboard."""

from __future__ import annotations

import json as json_library
import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bertkit.cli import options
from bertkit.errors import UserError

if TYPE_CHECKING:
    import torch

    from bertkit.benchmarking.cells import Cell
    from bertkit.benchmarking.results import BenchFile
    from bertkit.reports.leaderboard_page import Entry
    from bertkit.workflows.benchmark import BenchmarkResult

ModelArgument = Annotated[
    str, typer.Argument(help="A preset (bert-base, minilm), a folder, or sizes (layers=12,width=768).", metavar="MODEL")
]
Quick = Annotated[bool, typer.Option("--quick", help="A few cells, two seconds each.")]
Kinds = Annotated[str, typer.Option("--work", help="inference, training, or both.", metavar="LIST")]
Precisions = Annotated[
    str | None,
    typer.Option(
        "--precision", help="Of float32,bfloat16,float16,int8; float32 and what auto is when left out.", metavar="LIST"
    ),
]
Lengths = Annotated[str | None, typer.Option(help="Tokens of the texts, or mixed.", metavar="LIST")]
Sizes = Annotated[str, typer.Option("--batch", help="1, best, or both.", metavar="LIST")]
Peers = Annotated[str, typer.Option(help="auto (those installed), none, or names.", metavar="LIST")]
PeerPython = Annotated[
    list[str] | None, typer.Option(help="The Python that a peer is installed in.", metavar="NAME=PATH")
]
Seconds = Annotated[float | None, typer.Option(help="Of work of each contestant in each cell.", min=0.0)]
OutputFile = Annotated[
    Path | None,
    typer.Option("--output", "-o", help="The JSON file; one that is there is gone on with.", metavar="FILE"),
]
Calibrate = Annotated[bool, typer.Option("--calibrate", help="Measure this machine for bertkit plan, and stop.")]
Leaderboard = Annotated[Path | None, typer.Option(help="Compare the files of a folder, and stop.", metavar="DIR")]
Html = Annotated[Path | None, typer.Option("--html", help="With --leaderboard: write a page.", metavar="FILE")]
QUICK_LENGTHS, ALL_LENGTHS = "128,mixed", "128,384,512,mixed"
QUICK_SECONDS, ALL_SECONDS = 2.0, 10.0
QUICK_LARGEST = 8


def bench(
    model: ModelArgument = "bert-base",
    quick: Quick = False,
    work: Kinds = "inference,training",
    precision: Precisions = None,
    lengths: Lengths = None,
    batch: Sizes = "1,best",
    peers: Peers = "auto",
    peer_python: PeerPython = None,
    seconds: Seconds = None,
    device: options.Device = "auto",
    output: OutputFile = None,
    calibrate: Calibrate = False,
    leaderboard: Leaderboard = None,
    html: Html = None,
    json: options.Json = False,
) -> None:
    """Measure how fast this machine runs a BERT, beside transformers, ONNX Runtime and OpenVINO where installed.

    Weights are random. A run that was killed goes on with its file. docs/benchmarking.md says how it measures.
    """
    if html is not None and leaderboard is None:
        raise UserError("--html without --leaderboard", "Add --leaderboard DIR.")
    if leaderboard is not None:
        _print_leaderboard(leaderboard, html, json)
        return
    from bertkit.model.device import choose_device

    place = choose_device(device)
    if calibrate:
        _calibrate(place, json)
        return
    from bertkit.benchmarking.cells import MIXED_TEXTS, QUICK_MIXED_TEXTS
    from bertkit.benchmarking.peers import pythons
    from bertkit.cli.planned_model import planned_model
    from bertkit.terminal.observer import TerminalObserver
    from bertkit.workflows.benchmark import BenchmarkConfig, benchmark

    name, encoder, _ = planned_model(model)
    batch = "best" if quick and batch == "1,best" else batch
    lengths = lengths or (QUICK_LENGTHS if quick else ALL_LENGTHS)
    config = BenchmarkConfig(
        name,
        encoder,
        _cells(work, _precisions(precision, quick, place), lengths, batch, encoder.max_length),
        place,
        output or Path(default_name(name)),
        pythons(peers, peer_python or []),
        seconds if seconds is not None else QUICK_SECONDS if quick else ALL_SECONDS,
        QUICK_LARGEST if quick else None,
        QUICK_MIXED_TEXTS if quick else MIXED_TEXTS,
    )
    _print_result(benchmark(config, TerminalObserver()), json)


def _cells(kinds: str, precisions: list[str], lengths: str, sizes: str, longest: int) -> list[Cell]:
    """What is to be measured of a model that reads so many tokens.

    Raises:
        UserError: a name that is none, or no length that the model reads.
    """
    from bertkit.benchmarking.cells import cells

    wanted = cells(kinds.split(","), precisions, lengths.split(","), sizes.split(","))
    fits = [cell for cell in wanted if not cell.lengths.isdecimal() or int(cell.lengths) <= longest]
    if not fits:
        raise UserError(f"the model reads up to {longest:,} tokens", "Choose shorter --lengths.")
    return fits


def _print_result(result: BenchmarkResult, json: bool) -> None:
    if json:
        typer.echo(json_library.dumps(result.file.model_dump(), ensure_ascii=False))
        return
    _print_entries(entries_of(result.file))
    for row in result.file.absent:
        typer.echo(f"left out: {row.contestant}, {row.cell}: {row.why}")
    typer.echo(f"\n{result.path}: {len(result.file.rows)} measurements, {result.measured} of them new")


def default_name(model: str) -> str:
    """The file of a model on this machine, in the current folder."""
    from bertkit.planner.this_machine import processor_name

    words = f"bench {Path(model).name} {processor_name()}"
    return re.sub(r"[^a-z0-9]+", "-", words.lower()).strip("-") + ".json"


def _precisions(asked: str | None, quick: bool, place: torch.device) -> list[str]:
    from bertkit.model.device import best_dtype, precision_of

    if asked is None:
        return ["float32"] if quick else list(dict.fromkeys(("float32", precision_of(best_dtype(place)))))
    return asked.split(",")


def _calibrate(place: torch.device, json: bool) -> None:
    from bertkit.benchmarking.calibrating import calibrate_machine
    from bertkit.benchmarking.load import busy_words, load_now
    from bertkit.planner.calibration import calibrations_folder
    from bertkit.planner.this_machine import usable_cores
    from bertkit.terminal.messages import say

    if (busy := busy_words(load_now(), usable_cores())) is not None:
        say(busy)
    found = calibrate_machine(place, lambda words: say(f"measuring {words} …"))
    path = calibrations_folder() / found.name
    path.parent.mkdir(parents=True, exist_ok=True)
    from bertkit.checkpoints.folders import atomic_file

    with atomic_file(path) as file:
        file.write(found.model_dump_json(indent=1) + "\n")
    if json:
        typer.echo(found.model_dump_json())
        return
    rates = ", ".join(f"{name} {tflops:.3g}" for name, tflops in found.products_tflops.items())
    numbers = "" if found.numbers_g_s is None else f"\nbetween     {found.numbers_g_s:.2f} billion numbers/s moved"
    typer.echo(
        f"{found.device or found.processor}, {found.threads} of {found.cores} cores\n"
        f"products    {rates} TFLOP/s\n"
        f"bandwidth   {found.bandwidth_gb_s:.1f} GB/s\n"
        f"launch      {found.launch_us:.2f} µs{numbers}\n"
        f"bertkit plan uses this for `this machine`: {path}"
    )


def _print_leaderboard(folder: Path, html: Path | None, json: bool) -> None:
    from bertkit.benchmarking.results import BenchFile, read_folder
    from bertkit.errors import InputError
    from bertkit.reports.leaderboard_page import leaderboard_page, ranked
    from bertkit.terminal.messages import say

    if not folder.is_dir():
        raise InputError(f"{folder}: no such folder", "Name a folder of files that bertkit bench has written.")
    entries: list[Entry] = []
    for path, found in read_folder(folder):
        if isinstance(found, BenchFile):
            entries += entries_of(found)
        else:
            say(f"left out: {path.name}: {found.what}")
    if not entries:
        raise InputError(f"{folder}: has no measurements", "Put files there that bertkit bench has written.")
    if html is not None:
        from bertkit.checkpoints.folders import atomic_file

        with atomic_file(html) as file:
            file.write(leaderboard_page(entries))
    if json:
        from dataclasses import asdict

        for entry in ranked(entries):
            typer.echo(json_library.dumps(asdict(entry), ensure_ascii=False))
    else:
        _print_entries(entries)
        if html is not None:
            typer.echo(f"\npage: {html}")


def entries_of(file: BenchFile) -> list[Entry]:
    """Its measurements, for tables and pages."""
    from bertkit.reports.leaderboard_page import Entry

    machine = file.machine
    on = machine["processor"] if machine["device"] == "cpu" else machine["device"]
    threads = f"{machine['threads']} thread{'s' if machine['threads'] != 1 else ''}"
    name = f"{on}, {threads}" if machine["device"] == "cpu" else str(on)
    return [
        Entry(
            *(file.model, name, row.kind, row.precision, row.lengths, row.size, row.batch, row.contestant),
            *(row.tokens_per_second, row.texts_per_second, row.spread),
            None if row.predicted is None else (row.predicted.tokens_per_second, row.predicted.low, row.predicted.high),
        )
        for row in file.rows
    ]


def _print_entries(entries: Sequence[Entry]) -> None:
    from bertkit.reports.leaderboard_page import HEADER, ranked
    from bertkit.terminal.tables import table

    rows = [entry.cells() for entry in ranked(entries)]
    alike = [place for place in (0, 1) if len({row[place] for row in rows}) == 1]  # model and machine
    if rows and alike:
        typer.echo(", ".join(rows[0][place] for place in alike) + "\n")
    kept = [place for place in range(len(HEADER)) if place not in alike]
    if rows:
        typer.echo(
            table([HEADER[place] for place in kept], [[row[place] for place in kept] for row in rows], indent="")
        )
