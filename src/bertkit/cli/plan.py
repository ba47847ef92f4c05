"""`bertkit plan`: will it run, how fast, how much memory, at what cost, which one to get? Without torch or numpy."""

from __future__ import annotations

import json as json_library
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bertkit.cli import options
from bertkit.errors import UserError

if TYPE_CHECKING:
    from bertkit.planner.devices import Device
    from bertkit.planner.plan import Plan, Question
    from bertkit.planner.prices import PriceList
    from bertkit.planner.work import Mode

ModelArgument = Annotated[
    str | None,
    typer.Argument(help="A folder, a preset (bert-base), or sizes (layers=12,width=768,heads=12).", metavar="MODEL"),
]
On = Annotated[
    list[str] | None,
    typer.Option(
        "--on",
        help="A device: RTX 3060, 8x A100, Xeon AMX:16; this machine when left out. May be given often.",
        metavar="DEVICE",
    ),
]
Lengths = Annotated[str, typer.Option(help="Tokens: 128, 8-512, normal:256:96; or a file of texts.", metavar="N|FILE")]
Batch = Annotated[int | None, typer.Option(help="Texts computed at once; what suits the device when left out.")]
Task = Annotated[
    str | None, typer.Option(help="What it is for; with --train, fill-mask is pre-training.", metavar="TASK")
]
Train = Annotated[bool, typer.Option("--train", help="Plan training instead of inference.")]
Lora = Annotated[bool, typer.Option("--lora", help="Train adapters only.")]
Recompute = Annotated[bool, typer.Option("--recompute", help="Train with activations computed again.")]
PrecisionOption = Annotated[
    str | None, typer.Option("--precision", help="float32, bfloat16, float16, fp8, int8; auto when left out.")
]
Engine = Annotated[str, typer.Option(help="bertkit, compiled, transformers, unfused or tensorrt.", metavar="NAME")]
Link = Annotated[
    str | None, typer.Option(help="What joins several devices: pcie4, nvlink4, ethernet-100 …", metavar="LINK")
]
Hardware = Annotated[Path | None, typer.Option(help="A TOML file of your own devices and prices.", metavar="FILE")]
Compare = Annotated[tuple[str, str] | None, typer.Option(help="Two devices side by side.", metavar="DEVICE DEVICE")]
Choose = Annotated[bool, typer.Option("--choose", help="Say which devices do what --need says within --budget.")]
Budget = Annotated[str | None, typer.Option(help="2000 to buy, 1.50/h to rent, in US dollars.", metavar="USD")]
Need = Annotated[str | None, typer.Option(help='Such as "200 texts/s p95 50ms".', metavar="TEXT")]
BuyVsRent = Annotated[bool, typer.Option("--buy-vs-rent", help="Say from where on buying costs less than renting.")]
Kwh = Annotated[float | None, typer.Option(help="The price of power, US dollars a kWh.", metavar="USD")]
Check = Annotated[
    str | None, typer.Option(help='Check a claim: "RTX 3060, bert-base, fp16, batch 32, 500 texts/s".', metavar="CLAIM")
]
Devices = Annotated[bool, typer.Option("--devices", help="List the devices that are known, and stop.")]
Markdown = Annotated[bool, typer.Option("--markdown", help="Print a Markdown table.")]
HEADER = ("device", "verdict", "memory", "texts/s", "binds", "a million", "rented", "rent an hour", "list price")
CHOSEN = ("device", "price", "where", "texts/s", "p95", "batch", "texts/s at most", "memory")


def plan(
    model: ModelArgument = None,
    on: On = None,
    task: Task = None,
    lengths: Lengths = "128",
    batch: Batch = None,
    train: Train = False,
    lora: Lora = False,
    recompute: Recompute = False,
    precision: PrecisionOption = None,
    engine: Engine = "bertkit",
    link: Link = None,
    hardware: Hardware = None,
    compare: Compare = None,
    choose: Choose = False,
    budget: Budget = None,
    need: Need = None,
    buy_vs_rent: BuyVsRent = False,
    kwh: Kwh = None,
    check: Check = None,
    devices: Devices = False,
    json: options.Json = False,
    markdown: Markdown = False,
) -> None:
    """Say whether a model runs, or trains, on a device, how fast, and at what cost: predicted, with ranges.

    docs/planning.md says how, and how far predictions have been from what was measured.
    """
    from bertkit.planner.devices import load_devices
    from bertkit.planner.prices import load_prices

    if json and markdown:
        raise UserError("--json and --markdown are both given", "Give one of them.")
    table, lists = load_devices(hardware), load_prices(hardware)
    if devices:
        _print_devices(table, json)
    elif check is not None:
        _print_check(check, model, table, json)
    else:
        mode = _mode(train, lora, recompute, task)
        asked = _question(model, lengths, batch, mode, precision, engine, link, recompute, table)
        if choose:
            _print_choice(asked, table, lists, budget, need, json, markdown)
            return
        if budget is not None or need is not None:
            raise UserError("--budget and --need without --choose", "Add --choose.")
        plans = _plans(asked, [*(on or []), *(compare or ())], table)
        _print_plans(plans, lists, json, markdown, side_by_side=compare is not None)
        if buy_vs_rent:
            _print_buying(plans, lists, kwh, json)
        elif kwh is not None:
            raise UserError("--kwh without --buy-vs-rent", "Add --buy-vs-rent.")


def _mode(train: bool, lora: bool, recompute: bool, task: str | None) -> Mode:
    from bertkit.errors import near_match
    from bertkit.planner.tasks import PRETRAINED, TASKS

    if task is not None and task not in TASKS:
        raise UserError(f"unknown task {task!r}{near_match(task, TASKS)}", f"Choose {', '.join(TASKS)}.")
    if not train:
        if lora or recompute:
            raise UserError(f"--{'lora' if lora else 'recompute'} without --train", "Add --train.")
        return "inference"
    if task in PRETRAINED:
        if lora:
            raise UserError(f"--lora with --task {task}", "Adapters are for fine-tuning on labels.")
        return "pre-training"
    return "lora" if lora else "fine-tuning"


def _question(
    model: str | None,
    lengths: str,
    batch: int | None,
    mode: Mode,
    precision: str | None,
    engine: str,
    link: str | None,
    recompute: bool,
    table: Sequence[Device],
) -> Question:
    from bertkit.cli.planned_model import planned_model
    from bertkit.planner.lengths import read_lengths
    from bertkit.planner.plan import Question
    from bertkit.planner.rates import precision_called
    from bertkit.planner.software import software_called

    if model is None:
        raise UserError("no MODEL", "Name one: bertkit plan bert-base --on 'RTX 3060'.")
    name, config, count = planned_model(model)
    return Question(
        name,
        config,
        table[0],
        mode,
        read_lengths(lengths, config.max_length, count),
        software_called(engine),
        batch=batch,
        precision=None if precision in (None, "auto") else precision_called(str(precision)),
        recompute=recompute,
        link=link,
    )


def _plans(asked: Question, names: Sequence[str], table: Sequence[Device]) -> list[Plan]:
    from dataclasses import replace

    from bertkit.planner.plan import make_plan
    from bertkit.planner.this_machine import find

    found = [find(name, table) for name in names or ["this machine"]]
    return [make_plan(replace(asked, device=device)) for device in found]


def _print_plans(
    plans: Sequence[Plan], lists: Sequence[PriceList], json: bool, markdown: bool, side_by_side: bool
) -> None:
    from bertkit.cli.plan_words import comparison_rows, plan_lines, plan_record
    from bertkit.planner.prices import prices_of

    priced = [(one, prices_of(one.question.device, lists)) for one in plans]
    if json:
        for one, prices in priced:
            typer.echo(json_library.dumps(plan_record(one, prices)))
    elif markdown:
        typer.echo(markdown_table(HEADER, comparison_rows(priced)))
    elif side_by_side:
        typer.echo(text_table(HEADER, comparison_rows(priced)))
    else:
        typer.echo("\n\n".join("\n".join(plan_lines(one, prices)) for one, prices in priced))


def _print_check(text: str, model: str | None, table: Sequence[Device], json: bool) -> None:
    from bertkit.cli.plan_words import finding_lines
    from bertkit.cli.planned_model import planned_model
    from bertkit.families.known import known_models
    from bertkit.planner.claims import read_claim
    from bertkit.planner.judging import judge

    models = known_models()
    if model is not None:
        text, models = f"{text}, {model}", {**models, model: planned_model(model)[1]}
    findings = judge(read_claim(text, table, models), table)
    if json:
        typer.echo(json_library.dumps({"claim": text, "findings": [asdict(one) for one in findings]}))
    else:
        typer.echo("\n".join(finding_lines(text, findings)))


def _print_choice(
    asked: Question,
    table: Sequence[Device],
    lists: Sequence[PriceList],
    budget: str | None,
    need: str | None,
    json: bool,
    markdown: bool,
) -> None:
    from bertkit.cli.plan_words import candidate_rows, plan_record
    from bertkit.planner.choosing import choose, read_budget, read_need

    if budget is None or need is None:
        raise UserError(f"--choose without {'--budget' if budget is None else '--need'}", "Give both.")
    found = choose(asked, table, lists, read_need(need), read_budget(budget))
    if json:
        for one in found:
            record = {"usd": one.usd, "where": one.how, "p95_milliseconds": one.latency_seconds * 1e3}
            record["most_sequences_per_second"] = one.most
            typer.echo(json_library.dumps(record | {"plan": plan_record(one.plan, ())}))
    elif not found:
        typer.echo(f"no device whose price is known does {need} within {budget}")
    else:
        typer.echo((markdown_table if markdown else text_table)(CHOSEN, candidate_rows(found)))


def _print_buying(plans: Sequence[Plan], lists: Sequence[PriceList], kwh: float | None, json: bool) -> None:
    from bertkit.cli.plan_words import buy_or_rent_lines
    from bertkit.planner.choosing import buy_or_rent

    for one in plans:
        found = buy_or_rent(one, lists, kwh)
        if json:
            typer.echo(json_library.dumps({"device": one.question.device.name, **asdict(found)}))
        else:
            typer.echo("\n" + "\n".join(buy_or_rent_lines(one, found)))


def _print_devices(table: Sequence[Device], json: bool) -> None:
    if json:
        for device in table:
            typer.echo(json_library.dumps({**device.row.model_dump(exclude_none=True), "read_on": device.read_on}))
        return
    rows = [
        [
            device.name,
            "-" if device.row.memory_gb is None else f"{device.row.memory_gb:g} GB",
            "-" if device.row.bandwidth_gb_s is None else f"{device.row.bandwidth_gb_s:,.0f} GB/s",
            "-" if device.row.fp16_tflops is None else f"{device.row.fp16_tflops:g} TFLOP/s",
            "-" if device.row.price_usd is None else f"${device.row.price_usd:,.0f}",
            device.row.source,
        ]
        for device in table
    ]
    typer.echo(text_table(("device", "memory", "bandwidth", "float16", "list price", "source"), rows))


def text_table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Left-aligned columns; `readable.table` would import numpy."""
    lines = [list(header), *map(list, rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(header))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines
    )


def markdown_table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """The same for a page."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
