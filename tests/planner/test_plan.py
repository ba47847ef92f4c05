"""One question, one answer: what fits, what binds, and what would make it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bertkit.errors import UserError
from bertkit.planner.dividing import division
from bertkit.planner.links import summing_seconds
from bertkit.planner.plan import changes, make_plan, spread
from bertkit.planner.prices import load_prices, prices_of
from bertkit.planner.software import SOFTWARE
from tests.planner.asked import ASKED, TRAINED, device


def test_it_runs_and_at_what_speed() -> None:
    plan = make_plan(ASKED)
    assert (plan.verdict, plan.binds, plan.work.precision) == ("runs", "compute", "bfloat16")
    assert plan.sequences_per_second is not None
    assert 0.75 * plan.sequences_per_second < 158 < 1.25 * plan.sequences_per_second  # what hardware pages hope for
    assert plan.tokens_per_second == pytest.approx(512 * plan.sequences_per_second)
    hours = plan.hours_of_a_million()
    assert hours == pytest.approx(1e6 / plan.sequences_per_second / 3600)
    assert plan.energy_of_a_million_kwh() == pytest.approx(0.170 * (hours or 0))


def test_what_does_not_fit_and_what_would_make_it() -> None:
    plan = make_plan(TRAINED)
    assert (plan.verdict, plan.binds) == ("does not", "memory")
    assert 0 < plan.largest_batch < 32
    assert make_plan(replace(TRAINED, batch=plan.largest_batch)).verdict == "tight"
    words = " ".join(change.words for change in changes(plan))
    assert "--recompute" in words
    assert f"--batch {plan.largest_batch}" in words
    divided = division(plan)
    assert divided is not None
    assert (divided.count, divided.parallel, divided.batch) == (2, "ddp", 16)


def test_the_change_that_gains_most_is_first() -> None:
    padded = make_plan(replace(ASKED, lengths=(16, 512), software=SOFTWARE["transformers"], precision="float32"))
    gains = [change.gain for change in changes(padded)]
    assert gains == sorted(gains, reverse=True)
    assert gains[0] > 1.5
    assert {"--precision", "--engine"} <= {
        word.strip("()") for change in changes(padded) for word in change.words.split()
    }


def test_several_devices_sum_their_gradients() -> None:
    alone, eight = (make_plan(replace(TRAINED, device=device(name))) for name in ("A100", "8x A100"))
    assert alone.sequences_per_second is not None
    assert eight.sequences_per_second is not None
    assert 6 < eight.sequences_per_second / alone.sequences_per_second < 8
    slow = make_plan(replace(TRAINED, device=device("8x A100"), link="ethernet-25"))
    assert slow.binds == "link"
    assert slow.summing == pytest.approx(summing_seconds(4 * 335_141_888, 8, 3e9))
    adapters = make_plan(replace(TRAINED, mode="lora", device=device("8x A100"), link="ethernet-25"))
    assert adapters.summing < 0.05 * slow.summing


def test_what_is_not_known_is_said() -> None:
    unknown = make_plan(replace(ASKED, device=device("RTX PRO 5000")))
    assert (unknown.verdict, unknown.sequences_per_second, unknown.binds) == ("runs", None, "unknown")
    assert "rate" in (unknown.unknown or "")
    cpu = make_plan(replace(ASKED, device=device("EPYC Zen 4:8")))
    assert (cpu.verdict, cpu.largest_batch, cpu.speed_range) == (None, 0, (0.5, 1.5))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"lengths": (513,)}, "513 tokens, and bert-base reads up to 512"),
        ({"lengths": (0,)}, "no tokens"),
        ({"lengths": ()}, "no tokens"),
        ({"batch": 0}, "a batch of 0"),
        ({"batch": -4}, "a batch of -4"),
        ({"mode": "fine-tuning", "precision": "int8"}, "training in int8"),
    ],
)
def test_what_cannot_be_is_refused(change: dict[str, object], message: str) -> None:
    with pytest.raises(UserError, match=message):
        make_plan(replace(ASKED, **change))  # type: ignore[arg-type]


def test_typical_lengths_stand_in_a_batch() -> None:
    assert spread((128,), 3) == (128, 128, 128)
    assert spread((1, 2, 3, 4), 2) == (2, 4)
    assert spread((4, 1), 4) == (1, 1, 4, 4)


def test_prices_of_a_million() -> None:
    plan = make_plan(replace(ASKED, device=device("2x L40S")))
    prices = prices_of(plan.question.device, load_prices())
    assert [price.usd_an_hour for price in prices] == [1.40, 1.861]
    assert plan.cost_of_a_million(prices[0]) == pytest.approx(2 * 1.40 * (plan.hours_of_a_million() or 0))
