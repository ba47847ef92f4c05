"""A plan for a person: a verdict, numbers with ranges, what binds, and the change that gains most; or as a record."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING

from bertkit.planner.dividing import Division, division
from bertkit.planner.parameters import count_parameters
from bertkit.planner.plan import MILLION, Plan, changes, devices
from bertkit.planner.prices import Price
from bertkit.planner.rates import BYTES

if TYPE_CHECKING:
    from bertkit.planner.choosing import BuyOrRent, Candidate
    from bertkit.planner.judging import Finding

GB = 1e9
# Nine in ten measured peaks lay as near to the predicted one (`python -m benchmarks.planner_memory`).
MEMORY_RANGE = (0.88, 1.12)
DOING = {
    "inference": "inference",
    "fine-tuning": "fine-tuning of all weights",
    "lora": "fine-tuning of adapters (LoRA)",
    "pre-training": "pre-training",
}
BINDS = {
    "compute": "compute: the matrix products",
    "bandwidth": "bandwidth: moving numbers between products",
    "launch": "launch: starting kernels, for the batch is too small to fill the device",
    "link": "the link: summing gradients between devices",
    "memory": "memory: it does not fit",
    "unknown": "not known",
}
VERDICTS = {"runs": "runs", "tight": "is tight", "does not": "does not run", None: "may run"}


def plan_record(plan: Plan, prices: Sequence[Price]) -> dict[str, object]:
    """Everything of a plan, as JSON values."""
    device, divided = plan.question.device, division(plan)
    record: dict[str, object] = {
        "model": plan.question.model,
        "device": device.title,
        "mode": plan.work.mode,
        "engine": plan.work.software.name,
        "precision": plan.work.precision,
        "batch": plan.batch,
        "lengths": _lengths(plan),
        "verdict": plan.verdict,
        "parameters": count_parameters(plan.question.config),
        "memory_bytes": _memory_record(plan),
        "largest_batch": plan.largest_batch,
        "longest_sequence": plan.longest,
        "flops_per_token": plan.flops / sum(plan.work.lengths),
        "bytes_per_token": plan.bytes / sum(plan.work.lengths),
        "peak_tflops": None if plan.rate is None else plan.rate.flops / 1e12,
        "evidence": {
            "peak_tflops": None if plan.rate is None else plan.rate.evidence,
            "memory": plan.room_evidence,
            "source": device.row.source,
            "read_on": device.read_on,
        },
        "binds": plan.binds,
        "unknown": plan.unknown,
    }
    if plan.sequences_per_second is not None:
        record |= _speed_record(plan, prices)
    record["changes"] = [{"change": one.words, "gain": one.gain, "saves_bytes": one.saves} for one in changes(plan)]
    record["divided"] = None if divided is None else _division(divided)
    return record


def _memory_record(plan: Plan) -> dict[str, object]:
    need = plan.needed
    return {
        "weights": need.weights,
        "gradients": need.gradients,
        "optimiser": need.optimiser,
        "activations": need.activations,
        "workspace": need.workspace,
        "peak": need.total,
        "low": round(MEMORY_RANGE[0] * need.total),
        "high": round(MEMORY_RANGE[1] * need.total),
        "available": plan.room,
    }


def _speed_record(plan: Plan, prices: Sequence[Price]) -> dict[str, object]:
    low, high = plan.speed_range
    assert plan.time is not None
    return {
        "speed": {
            "sequences_per_second": _three(plan.sequences_per_second or 0.0, low, high),
            "tokens_per_second": _three(plan.tokens_per_second or 0.0, low, high),
            "batch_milliseconds": _three((plan.seconds or 0.0) * 1e3, 1 / high, 1 / low),
            "share_of_peak": plan.time.peak_share,
        },
        "million": {
            "hours": plan.hours_of_a_million(),
            "kwh": plan.energy_of_a_million_kwh(),
            "usd": [{"usd": plan.cost_of_a_million(price), **asdict(price)} for price in prices],
        },
    }


def _three(value: float, low: float, high: float) -> dict[str, float]:
    return {"expected": value, "low": value * low, "high": value * high}


def _division(divided: Division) -> dict[str, object]:
    return {
        "devices": divided.count,
        "parallel": divided.parallel,
        "batch": divided.batch,
        "bytes": divided.bytes,
    }


def _lengths(plan: Plan) -> dict[str, float]:
    asked = plan.question.lengths
    return {"mean": sum(asked) / len(asked), "shortest": min(asked), "longest": max(asked)}


def plan_lines(plan: Plan, prices: Sequence[Price]) -> list[str]:
    """The plan in words."""
    device = plan.question.device
    asked = _lengths(plan)
    tokens = (
        f"{asked['mean']:,.0f} tokens"
        if asked["shortest"] == asked["longest"]
        else (f"{asked['shortest']:,.0f} to {asked['longest']:,.0f} tokens, {asked['mean']:,.0f} on average")
    )
    each = " on each" if devices(device) > 1 else ""
    lines = [
        f"{plan.question.model} {VERDICTS[plan.verdict]} on {device.title}: {DOING[plan.work.mode]}, "
        f"{plan.work.precision}, batches of {_texts(plan.batch)}{each} of {tokens}",
        *_memory_lines(plan),
        *_speed_lines(plan, prices),
        f"binds     {BINDS[plan.binds]}",
    ]
    found = changes(plan)
    if plan.verdict == "does not":
        lines += [f"it takes  {text}" for text in _what_would_make_it(plan)]
    elif plan.time is None:
        pass  # what makes a time shorter that is not known is not known either
    elif found:
        lines.append(f"gains     {found[0].words}: {found[0].gain:.2f} times as fast")
    else:
        lines.append("gains     nothing that the planner knows would make it 5 % faster")
    if plan.unknown is not None:
        lines.append(f"unknown   {plan.unknown}")
    lines.append(f"sources   {_sources(plan)}")
    return lines


def _memory_lines(plan: Plan) -> list[str]:
    need = plan.needed
    low, high = (share * need.total / GB for share in MEMORY_RANGE)
    parts = {
        "weights": need.weights,
        "gradients": need.gradients,
        "optimiser": need.optimiser,
        "activations": need.activations,
    }
    shown = ", ".join(f"{name} {size / GB:.2f}" for name, size in parts.items() if size)
    there = "its memory is not known" if plan.room is None else f"{plan.room / GB:.1f} GB can be used"
    most = f"; at most {_texts(plan.largest_batch)} like these at once" if plan.largest_batch else ""
    if plan.largest_batch and plan.largest_batch >= 2**19:
        most = ""
    return [f"memory    {low:.2f} to {high:.2f} GB at its peak ({shown}); {there}{most}"]


def _speed_lines(plan: Plan, prices: Sequence[Price]) -> list[str]:
    speed = plan.sequences_per_second
    if speed is None or plan.time is None or plan.seconds is None or plan.tokens_per_second is None:
        return []
    low, high = plan.speed_range
    each = " on each device" if devices(plan.question.device) > 1 else ""
    lines = [
        f"speed     {low * speed:,.0f} to {high * speed:,.0f} texts/s, {_short(low * plan.tokens_per_second)} to "
        f"{_short(high * plan.tokens_per_second)} tokens/s",
        f"a batch   {1e3 * plan.seconds / high:,.1f} to {1e3 * plan.seconds / low:,.1f} ms{each}; "
        f"{plan.time.peak_share:.0%} of the peak of {plan.time.peak_flops / 1e12:,.1f} TFLOP/s",
    ]
    hours = plan.hours_of_a_million()
    if hours is not None:
        energy = plan.energy_of_a_million_kwh()
        cost = [f"${plan.cost_of_a_million(price):,.2f} ({price.provider}, {price.date})" for price in prices[:2]]
        parts = [_duration(hours), *([] if energy is None else [f"{energy:.2g} kWh"]), *cost]
        lines.append(f"a million {', '.join(parts)}")
    return lines


def _what_would_make_it(plan: Plan) -> list[str]:
    texts = [f"{one.words}: then {(plan.needed.total - one.saves) / GB:.1f} GB" for one in changes(plan)]
    divided = division(plan)
    if divided is not None:
        texts.append(
            f"{divided.count} of them ({divided.parallel}), {_texts(divided.batch)} on each: then "
            f"{divided.bytes / GB:.1f} GB on each"
        )
    return texts or ["a device with more memory: nothing that the planner knows makes it fit on this one"]


def _sources(plan: Plan) -> str:
    row = plan.question.device.row
    rate = "the peak is not known" if plan.rate is None else f"peak: {plan.rate.evidence}"
    shown = "" if row.source.startswith("none") else f" ({row.source})"
    if BYTES[plan.work.precision] < 4 and plan.rate is not None and plan.rate.evidence == "rule":
        rate += " (see docs/planning.md)"
    return f"{rate}, memory: {plan.room_evidence or 'not known'}{shown}, read on {plan.question.device.read_on}"


def _texts(count: int) -> str:
    return "1 text" if count == 1 else f"{count:,} texts"


def _short(value: float) -> str:
    for limit, name in ((1e6, "M"), (1e3, "k")):
        if value >= 9.95 * limit / 10:
            return f"{value / limit:,.3g}{name}"
    return f"{value:,.0f}"


def _duration(hours: float) -> str:
    if hours >= 48:
        return f"{hours / 24:,.1f} days"
    return f"{hours:.1f} hours" if hours >= 1.5 else f"{hours * 60:,.1f} minutes"


def finding_lines(text: str, findings: Sequence[Finding]) -> list[str]:
    """A checked claim in words."""
    lines = [f"claim: {text}"]
    for one in findings:
        lines += [f"{one.judgement}: {one.words}", *(f"  {reason}" for reason in one.reasons)]
    return lines


def candidate_rows(found: Sequence[Candidate]) -> list[list[str]]:
    """Devices to choose from, as cells: device, price, speed, latency, batch, highest speed, memory."""
    rows = []
    for one in found:
        speed = one.plan.sequences_per_second or 0.0
        low, high = one.plan.speed_range
        rows.append(
            [
                one.plan.question.device.title,
                f"${one.usd:,.2f}",
                one.how,
                f"{low * speed:,.0f} to {high * speed:,.0f}",
                f"{one.latency_seconds * 1e3:,.1f} ms",
                f"{one.plan.batch}",
                f"{one.most:,.0f}",
                f"{one.plan.needed.total / GB:.2f} GB",
            ]
        )
    return rows


def comparison_rows(priced: Sequence[tuple[Plan, Sequence[Price]]]) -> list[list[str]]:
    """Plans of several devices, with what renting them costs, as cells."""
    rows = []
    for plan, prices in priced:
        rent = min((one.usd_an_hour for one in prices), default=None)
        dollars = min((cost for one in prices if (cost := plan.cost_of_a_million(one)) is not None), default=None)
        speed = plan.sequences_per_second
        low, high = plan.speed_range
        price = plan.question.device.row.price_usd
        rows.append(
            [
                plan.question.device.title,
                plan.verdict or "memory not known",
                f"{plan.needed.total / GB:.2f} GB",
                "not known" if speed is None else f"{low * speed:,.0f} to {high * speed:,.0f}",
                plan.binds,
                "not known" if plan.hours_of_a_million() is None else _duration(plan.hours_of_a_million() or 0.0),
                "-" if dollars is None else f"${dollars:,.2f}",
                "-" if rent is None else f"${rent:,.2f}",
                "-" if price is None else f"${price:,.0f}",
            ]
        )
    return rows


def buy_or_rent_lines(plan: Plan, found: BuyOrRent) -> list[str]:
    """Where buying begins to pay, in words."""
    name = plan.question.device.name
    rent = f"${found.rent.usd_an_hour:.2f} an hour ({found.rent.provider}, {found.rent.date})"
    power = "" if found.power_usd_an_hour is None else f", power ${found.power_usd_an_hour:.3f} an hour"
    first = f"{name}: ${found.price_usd:,.0f} to buy{power}; {rent} to rent"
    if found.hours is None:
        return [first, "renting costs less: power alone costs more than the rent"]
    whole = "" if found.sequences is None else f", {found.sequences / MILLION:,.0f} million texts"
    return [first, f"buying costs less after {found.hours:,.0f} hours of use ({found.hours / 24:,.0f} days{whole})"]
