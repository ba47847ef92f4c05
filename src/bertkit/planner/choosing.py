"""Which device to get: those that do what is needed within a budget, and whether to buy or to rent."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from bertkit.errors import UserError
from bertkit.planner.devices import Device
from bertkit.planner.plan import Plan, Question, make_plan
from bertkit.planner.prices import Price, PriceList, prices_of

# A request waits for the batch that is being computed, and is then computed in one itself.
BATCHES_WAITED = 2
BATCHES = (1, 2, 4, 8, 16, 32, 64, 128, 256)


@dataclass(frozen=True, slots=True)
class Need:
    """What must be reached.

    Attributes:
        latency_seconds: of 95 requests in 100; None where it does not matter.
    """

    sequences_per_second: float
    latency_seconds: float | None


@dataclass(frozen=True, slots=True)
class Budget:
    """US dollars: once, or an hour; None where that way is not open."""

    once: float | None
    an_hour: float | None


def read_need(text: str) -> Need:
    """`200 texts/s p95 50ms`.

    Raises:
        UserError: it is no such sentence.
    """
    found = re.search(r"(-?\d+(?:\.\d+)?)\s*[a-z]*\s*(?:/|per|a)\s*s", text.lower())
    latency = re.search(r"(-?\d+(?:\.\d+)?)\s*(ms|s)\b(?!.*(?:/|per)\s*s)", text.lower().split("p95")[-1])
    if found is None:
        raise UserError(f"--need {text!r} says no rate", 'Write it as "200 texts/s p95 50ms"; p95 may be left out.')
    seconds = None
    if "p95" in text.lower():
        if latency is None:
            raise UserError(f"--need {text!r} says no time after p95", 'Write it as "200 texts/s p95 50ms".')
        seconds = float(latency[1]) * (1e-3 if latency[2] == "ms" else 1.0)
    if float(found[1]) <= 0 or (seconds is not None and seconds <= 0):
        raise UserError(f"--need {text!r} asks for nothing", "Give numbers above 0.")
    return Need(float(found[1]), seconds)


def read_budget(text: str) -> Budget:
    """`2000` to buy, `1.50/h` to rent.

    Raises:
        UserError: it is no price, or a negative one.
    """
    found = re.fullmatch(
        r"\s*\$?\s*(-?\d[\d,]*(?:\.\d+)?)\s*(?:usd|\$)?\s*((?:/|per|an?)\s*h(?:our)?)?\s*", text.lower()
    )
    if found is None:
        raise UserError(f"--budget {text!r} is no price", "Write 2000 to buy, or 1.50/h to rent, in US dollars.")
    amount = float(found[1].replace(",", ""))
    if amount <= 0:
        raise UserError(f"a budget of {text!r}", "Give a price above 0.")
    return Budget(None, amount) if found[2] else Budget(amount, None)


@dataclass(frozen=True, slots=True)
class Candidate:
    """A device that does what is needed.

    Attributes:
        usd: what it costs: once, or an hour, as the budget has it.
        latency_seconds: in which 95 requests in 100 are answered, at the slow end of the range.
        most: sequences a second that it reaches in larger batches which are still quick enough, at the slow end too.
    """

    plan: Plan
    usd: float
    how: str
    latency_seconds: float
    most: float


def choose(
    question: Question, devices: Sequence[Device], lists: Sequence[PriceList], need: Need, budget: Budget
) -> list[Candidate]:
    """The devices that do it within the budget, the cheapest first. Several of one kind are not considered.

    Args:
        question: of any device.
    """
    found = []
    for device in devices:
        price = _price(device, lists, budget)
        if price is None or (reached := _reaches(replace(question, device=device), need)) is None:
            continue
        plan, latency, most = reached
        found.append(Candidate(plan, *price, latency, most))
    return sorted(found, key=lambda one: one.usd)


def _price(device: Device, lists: Sequence[PriceList], budget: Budget) -> tuple[float, str] | None:
    if budget.once is not None:
        price = device.row.price_usd
        known = price is not None and price <= budget.once
        return (price, f"list price ({device.row.evidence('price_usd')})") if known and price is not None else None
    assert budget.an_hour is not None
    rents = sorted(prices_of(device, lists), key=lambda one: one.usd_an_hour)
    if not rents or rents[0].usd_an_hour * device.count > budget.an_hour:
        return None
    return rents[0].usd_an_hour * device.count, f"{rents[0].provider}, {rents[0].date} ({rents[0].evidence})"


def _reaches(question: Question, need: Need) -> tuple[Plan, float, float] | None:
    """The plan of the smallest batch that reaches the rate, which answers soonest, in what time; and the highest rate.

    None where no batch that is quick enough reaches what is needed.
    """
    best, most = None, 0.0
    for batch in BATCHES:
        plan = make_plan(replace(question, batch=batch))
        if plan.seconds is None or plan.verdict in (None, "does not"):
            break
        latency = BATCHES_WAITED * plan.seconds / plan.speed_range[0]
        if need.latency_seconds is not None and latency > need.latency_seconds:
            break
        assert plan.sequences_per_second is not None
        reached = plan.sequences_per_second * plan.speed_range[0]
        most = max(most, reached)
        if best is None and reached >= need.sequences_per_second:
            best = plan, latency
    return None if best is None else (*best, most)


@dataclass(frozen=True, slots=True)
class BuyOrRent:
    """When buying costs less than renting.

    Attributes:
        power_usd_an_hour: of the device at its watts; None where watts or the price of power are not known.
        hours: of use after which buying has cost less; None where it never does.
        sequences: that are computed in these hours; None where the speed is not known.
    """

    price_usd: float
    rent: Price
    power_usd_an_hour: float | None
    hours: float | None
    sequences: float | None


def buy_or_rent(plan: Plan, lists: Sequence[PriceList], kwh_usd: float | None) -> BuyOrRent:
    """Where buying begins to pay, for the device of a plan.

    Args:
        kwh_usd: the price of power; None to leave it out.

    Raises:
        UserError: its price, or that of renting it, is not known.
    """
    device = plan.question.device
    rents = sorted(prices_of(device, lists), key=lambda one: one.usd_an_hour)
    if device.row.price_usd is None or not rents:
        what = "what it costs" if device.row.price_usd is None else "what renting it costs"
        raise UserError(f"{device.name}: {what} is not known", "Give it in a TOML file with --hardware.")
    if kwh_usd is not None and kwh_usd < 0:
        raise UserError(f"power at {kwh_usd} dollars a kWh", "Give a price from 0 on.")
    watts = device.row.watts
    power = None if kwh_usd is None or watts is None else watts / 1000 * kwh_usd
    saved = rents[0].usd_an_hour - (power or 0.0)
    hours = device.row.price_usd / saved if saved > 0 else None
    rate = plan.sequences_per_second
    sequences = None if hours is None or rate is None else rate / plan.question.device.count * hours * 3600
    return BuyOrRent(device.row.price_usd, rents[0], power, hours, sequences)
