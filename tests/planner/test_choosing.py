"""Which device to get."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bertkit.errors import UserError
from bertkit.families.catalogue import FAMILIES
from bertkit.planner.choosing import Budget, Need, buy_or_rent, choose, read_budget, read_need
from bertkit.planner.devices import find_device, load_devices
from bertkit.planner.plan import Question, make_plan
from bertkit.planner.prices import load_prices
from bertkit.planner.software import SOFTWARE

DEVICES, PRICES = load_devices(), load_prices()
ASKED = Question("bert-large", FAMILIES["bert"].presets["large"], DEVICES[0], "inference", (384,), SOFTWARE["bertkit"])


@pytest.mark.parametrize(
    ("text", "need"),
    [
        ("200 texts/s p95 50ms", Need(200.0, 0.05)),
        ("1.5 requests per second, p95 2 s", Need(1.5, 2.0)),
        ("300/s", Need(300.0, None)),
        ("200 texts/s p95 < 50 ms", Need(200.0, 0.05)),
    ],
)
def test_needs(text: str, need: Need) -> None:
    assert read_need(text) == need


@pytest.mark.parametrize("text", ["fast", "200 texts", "0 texts/s", "-5 texts/s", "200 texts/s p95", "9/s p95 0ms"])
def test_needs_that_are_none(text: str) -> None:
    with pytest.raises(UserError, match="--need"):
        read_need(text)


@pytest.mark.parametrize(
    ("text", "budget"),
    [("2000", Budget(2000.0, None)), ("$2,000", Budget(2000.0, None)), ("1.50/h", Budget(None, 1.5))],
)
def test_budgets(text: str, budget: Budget) -> None:
    assert read_budget(text) == budget


@pytest.mark.parametrize(("text", "message"), [("-5", "a budget of '-5'"), ("0", "a budget"), ("much", "is no price")])
def test_budgets_that_are_none(text: str, message: str) -> None:
    with pytest.raises(UserError, match=message):
        read_budget(text)


def test_the_cheapest_that_does_it_comes_first() -> None:
    found = choose(ASKED, DEVICES, PRICES, Need(200.0, 0.1), Budget(2000.0, None))
    assert found
    assert [one.usd for one in found] == sorted(one.usd for one in found)
    for one in found:
        assert one.usd <= 2000
        assert one.latency_seconds <= 0.1
        assert one.most >= 200
        assert (one.plan.sequences_per_second or 0) * one.plan.speed_range[0] >= 200
    by_name = {one.plan.question.device.name: one.most for one in found}
    assert by_name["RTX 5090"] > by_name["RTX 4090"]  # larger batches, still within the time
    assert "RTX 3060 12GB" not in {one.plan.question.device.name for one in found}  # too slow for it
    rented = choose(ASKED, DEVICES, PRICES, Need(200.0, None), Budget(None, 1.0))
    assert {"RTX 4090", "L4"} >= {one.plan.question.device.name for one in rented} != set()
    assert choose(ASKED, DEVICES, PRICES, Need(1e9, None), Budget(1e6, None)) == []


def test_when_buying_pays() -> None:
    plan = make_plan(replace(ASKED, device=find_device("RTX 4090", DEVICES)))
    plain, powered, dear = (buy_or_rent(plan, PRICES, kwh) for kwh in (None, 0.3, 2.0))
    assert plain.hours == pytest.approx(1599 / 0.60)
    assert powered.hours == pytest.approx(1599 / (0.60 - 0.45 * 0.3))
    assert dear.hours is None
    assert plain.sequences == pytest.approx((plan.sequences_per_second or 0) * 1599 / 0.60 * 3600)
    with pytest.raises(UserError, match="power at -1"):
        buy_or_rent(plan, PRICES, -1)
    for name in ("T4", "RTX 3060"):
        with pytest.raises(UserError, match="is not known"):
            buy_or_rent(make_plan(replace(ASKED, device=find_device(name, DEVICES))), PRICES, None)
