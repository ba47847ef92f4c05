"""Whether a claim can be true, and why: its arithmetic against the device's peak, then against what is reached."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from bertkit.errors import UserError
from bertkit.planner.claims import Claim
from bertkit.planner.devices import Device, find_device
from bertkit.planner.memory import largest, needed
from bertkit.planner.plan import Plan, Question, make_plan
from bertkit.planner.rates import Precision, rate
from bertkit.planner.software import SOFTWARE
from bertkit.planner.work import Mode, Work, arithmetic

Judgement = Literal["impossible", "unlikely", "plausible", "low", "true", "false", "depends"]
# Beyond this multiple of the prediction lie three in a hundred published figures, beyond this share of a peak none.
SURPRISING, NEVER_REACHED = 1.5, 0.9
KIND_LENGTH = 128  # where a claim says none: short, so that a claim is refused only where it cannot be saved
GB = 1e9


@dataclass(frozen=True, slots=True)
class Finding:
    """What is found of one part of a claim.

    Attributes:
        judgement: `impossible` is beyond the peak, `unlikely` beyond what is reached, `low` far below it; of memory
            `true`, `false`, or `depends`.
        reasons: the reasoning, a sentence each.
        numbers: the quantities in it.
    """

    judgement: Judgement
    words: str
    reasons: list[str]
    numbers: dict[str, float]


def judge(claim: Claim, devices: Sequence[Device]) -> list[Finding]:
    """One finding for the speed that is claimed, one for the memory.

    Raises:
        UserError: the device's figures, which it would take, are not known.
    """
    found = []
    if claim.sequences_per_second or claim.tokens_per_second or claim.milliseconds:
        found.append(_speed(claim))
    if claim.gigabytes is not None:
        of_card = claim.device is not None and (found or claim.config is None)
        found.append(_card(claim, devices) if of_card else _memory(claim, devices))
    return found


def _speed(claim: Claim) -> Finding:
    assert claim.device is not None
    assert claim.config is not None
    assert claim.model is not None
    length = claim.length or min(KIND_LENGTH, claim.config.max_length)
    question = Question(
        claim.model,
        claim.config,
        claim.device,
        claim.mode,
        (length,),
        SOFTWARE["tensorrt" if claim.mode == "inference" else "compiled"],
        batch=claim.batch or (1 if claim.milliseconds and not claim.sequences_per_second else None),
        precision=claim.precision or ("float16" if rate(claim.device, "float16") else None),
    )
    plan = make_plan(question)
    if plan.time is None or plan.sequences_per_second is None:
        raise UserError(plan.unknown or f"{claim.device.name}: its rates are not known", "Choose another device.")
    claimed = _claimed_rate(claim, plan, length)
    asked = claimed * plan.flops / plan.batch
    peak = plan.time.peak_flops
    low, high = (share * plan.sequences_per_second for share in plan.speed_range)
    numbers = {
        "claimed_sequences_per_second": claimed,
        "gflop_a_sequence": plan.flops / plan.batch / 1e9,
        "asked_tflops": asked / 1e12,
        "peak_tflops": peak / 1e12,
        "share_of_peak": asked / peak,
        "expected_low": low,
        "expected_high": high,
        "most_at_peak": peak / (plan.flops / plan.batch),
    }
    reasons = [*_assumptions(claim, plan, length), *_arithmetic(claim, plan, asked, peak, claimed)]
    if claim.length is None and (most := _longest_below(plan, claimed, peak)) < plan.question.config.max_length:
        reasons.append(f"Of texts of more than {most:,} tokens it would ask for more than the peak.")
    reasons.append(
        f"The fastest programs reach {plan.time.peak_share:.0%} of that peak here, bound by {plan.time.binds}: "
        f"expect {low:,.0f} to {high:,.0f} sequences/s."
    )
    if asked > peak:
        return Finding("impossible", "physics says no", reasons, numbers)
    if claimed > SURPRISING * plan.sequences_per_second or asked > NEVER_REACHED * peak:
        return Finding("unlikely", "hardly anything published is so fast", reasons, numbers)
    if claimed < 0.5 * low:
        return Finding("low", "possible, and far less than the device can do", reasons, numbers)
    return Finding("plausible", "plausible", reasons, numbers)


def _longest_below(plan: Plan, claimed: float, peak: float) -> int:
    """Tokens of the longest sequences of which so many a second are not more than the peak."""
    return largest(
        lambda length: claimed * arithmetic(replace(plan.work, lengths=(length,))) <= peak,
        most=plan.question.config.max_length + 1,
    )


def _claimed_rate(claim: Claim, plan: Plan, length: int) -> float:
    if claim.sequences_per_second:
        return claim.sequences_per_second
    if claim.tokens_per_second:
        return claim.tokens_per_second / length
    assert claim.milliseconds is not None
    return plan.batch * 1e3 / claim.milliseconds


def _assumptions(claim: Claim, plan: Plan, length: int) -> list[str]:
    other = []
    if claim.plain_device is not None:
        known, plain = plan.question.device, claim.plain_device
        other.append(
            f"With {known.row.memory_gb:g} GB it is the {known.name}; the {plain.name} has {plain.row.memory_gb:g} GB."
        )
    taken = []
    if claim.length is None:
        taken.append(f"{length} tokens")
    if claim.batch is None:
        taken.append(f"batches of {plan.batch}")
    if claim.precision is None:
        taken.append(plan.work.precision)
    doing = {"inference": "inference", "fine-tuning": "fine-tuning"}.get(claim.mode, "pre-training")
    return [*other, *([f"Taken: {', '.join(taken)}, {doing}; the claim does not say."] if taken else [])]


def _arithmetic(claim: Claim, plan: Plan, asked: float, peak: float, claimed: float) -> list[str]:
    each = plan.flops / plan.batch
    reasons = [
        f"One sequence of {plan.work.lengths[0]} tokens through {claim.model} is {each / 1e9:,.1f} GFLOP; "
        f"{claimed:,.0f} of them a second are {asked / 1e12:,.1f} TFLOP/s.",
        f"The {plan.question.device.name} peaks at {peak / 1e12:,.1f} TFLOP/s in {plan.work.precision} with sums in "
        f"float32, which is what PyTorch computes: the claim asks for {asked / peak:.0%} of it. "
        f"At the peak itself it would be {peak / each:,.0f} sequences/s.",
    ]
    row = plan.question.device.row
    if row.line == "geforce" and plan.work.precision == "float16":
        reasons.append(
            "With sums in float16, which no stock framework uses, the card peaks at twice that, "
            f"{2 * peak / 1e12:,.1f}: the claim asks for {asked / peak / 2:.0%} even of this."
        )
    return reasons


def _card(claim: Claim, devices: Sequence[Device]) -> Finding:
    """Whether the card has the memory that is said."""
    assert claim.device is not None
    assert claim.gigabytes is not None
    row = claim.device.row
    said = claim.gigabytes
    numbers = {"said_gb": said} | ({} if row.memory_gb is None else {"card_gb": row.memory_gb})
    if row.memory_gb is None:
        return Finding("depends", "not known", [f"How much memory the {row.name} has is not known."], numbers)
    if row.memory_gb == said:
        return Finding("true", f"the {row.name} has {said:g} GB", [f"Source: {row.source}."], numbers)
    reasons = [f"The {row.name} has {row.memory_gb:g} GB."]
    first = row.aliases[0] if row.aliases else row.name
    others = [d.name for d in devices if d.row.memory_gb == said and d.name.startswith(first) and d.name != row.name]
    if others:
        reasons.append(f"{said:g} GB is the {' or the '.join(others)}: another card.")
    return Finding("false", f"{said:g} GB is not this card's memory", reasons, numbers)


def _memory(claim: Claim, devices: Sequence[Device]) -> Finding:
    """From where on a model takes so much memory."""
    assert claim.config is not None
    assert claim.gigabytes is not None
    length = claim.length or claim.config.max_length
    half: Precision = claim.precision or "bfloat16"
    kinds: list[tuple[str, Mode, Precision]] = [
        (f"Inference in {half}", "inference", half),
        (f"Fine-tuning in {half}", "fine-tuning", half),
        ("Fine-tuning in float32", "fine-tuning", "float32"),
    ]
    reasons: list[str] = []
    numbers: dict[str, float] = {}
    training = False
    for words, mode, precision in kinds:
        work = Work(claim.config, mode, (length,), precision, SOFTWARE["bertkit"])
        first = _first_batch(work, length, claim.gigabytes * GB, devices)
        one = needed(work, find_device("A100", devices)).total
        numbers[f"{words.lower().replace(' ', '_')}_first_batch"] = first
        if first == 1:
            reasons.append(
                f"{words} takes {one / GB:.1f} GB for a single sequence of {length:,} tokens: more than that."
            )
        else:
            reasons.append(
                f"{words} takes {one / GB:.1f} GB for one sequence of {length:,} tokens and passes "
                f"{claim.gigabytes:g} GB from batches of {first:,} on."
            )
        training = training or (mode != "inference" and first <= 256)
    if claim.batch is not None:
        return _of_batch(claim, length, half, devices, reasons, numbers)
    words = "true of training, from the batches below on" if training else "only with very large batches"
    return Finding("depends", words, reasons, numbers)


def _first_batch(work: Work, length: int, limit: float, devices: Sequence[Device]) -> int:
    device = find_device("A100", devices)
    return 1 + largest(lambda count: needed(replace(work, lengths=(length,) * count), device).total <= limit, 2**16)


def _of_batch(
    claim: Claim,
    length: int,
    precision: Precision,
    devices: Sequence[Device],
    reasons: list[str],
    numbers: dict[str, float],
) -> Finding:
    assert claim.batch is not None
    assert claim.config is not None
    assert claim.gigabytes is not None
    work = Work(claim.config, claim.mode, (length,) * claim.batch, precision, SOFTWARE["bertkit"])
    total = needed(work, find_device("A100", devices)).total / GB
    passes = total >= claim.gigabytes
    words = f"{claim.mode} of {claim.batch} x {length} tokens takes {total:.1f} GB"
    return Finding("true" if passes else "false", words, reasons, {**numbers, "needed_gb": total})
