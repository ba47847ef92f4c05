"""The answer to one question: will this model run, or train, on that device, how fast, and at what cost?"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from bertkit.config.batch_tokens import batch_tokens
from bertkit.config.encoder import EncoderConfig
from bertkit.errors import UserError
from bertkit.planner.devices import Device, Evidence
from bertkit.planner.formulas import Values
from bertkit.planner.inputs import rate_inputs
from bertkit.planner.links import link_bandwidth
from bertkit.planner.memory import (
    MemorySharing,
    Needed,
    largest_batch,
    longest_sequence,
    memory_values,
    needed_of,
    room,
)
from bertkit.planner.prices import Price
from bertkit.planner.rates import TORCH_KINDS, Precision, Rate, best_precision, rate
from bertkit.planner.software import SOFTWARE, Software
from bertkit.planner.speed import Time, time_of, unknown_time
from bertkit.planner.work import Mode, Work

Verdict = Literal["runs", "tight", "does not"]
# Eight in ten published figures lie between these shares of what is predicted (`python -m benchmarks.planner`). For
# CPUs and Apple's GPUs, of which there are no figures to fit to, and where a rate is remembered, nothing so narrow can
# be said.
USUAL_RANGE, WIDE_RANGE = (0.75, 1.25), (0.5, 1.5)
MILLION = 1_000_000


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked of one device.

    Attributes:
        lengths: of typical sequences, in tokens; a batch has them in turn.
        batch: sequences computed at once; None for what suits the device.
        precision: None for what `auto` is there.
        link: what several devices are joined by; None for their own.
    """

    model: str
    config: EncoderConfig
    device: Device
    mode: Mode
    lengths: tuple[int, ...]
    software: Software
    batch: int | None = None
    precision: Precision | None = None
    lora_rank: int = 8
    recompute: bool = False
    link: str | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """The answer.

    Attributes:
        batch: sequences at once on one device.
        values: what the formulas make of the question; those of time only where `time` is known.
        room: bytes that one device has for them; None where its memory is not known.
        time: of one batch; None where the device's rates are not known, and `unknown` says why.
        summing: seconds in which devices sum their gradients after each batch; 0 alone.
        speed_range: shares of the predicted speed between which it is likely to be.
        largest_batch: of sequences as long as the longest that is asked for; 0 where not one fits.
    """

    question: Question
    work: Work
    sharing: MemorySharing
    batch: int
    values: Values
    needed: Needed
    room: int | None
    room_evidence: Evidence | None
    rate: Rate | None
    time: Time | None
    unknown: str | None
    summing: float
    speed_range: tuple[float, float]
    largest_batch: int
    longest: int

    @property
    def verdict(self) -> Verdict | None:
        """Whether it fits; None where the device's memory is not known."""
        if self.room is None:
            return None
        if not self.values["fits"]:
            return "does not"
        return "tight" if self.values["tight"] else "runs"

    @property
    def seconds(self) -> float | None:
        """Of one batch on each device."""
        return self._timed("batch_seconds")

    @property
    def sequences_per_second(self) -> float | None:
        """Of all devices together."""
        return self._timed("sequences_per_second")

    @property
    def tokens_per_second(self) -> float | None:
        """Useful ones, padding not counted, of all devices together."""
        return self._timed("tokens_per_second")

    @property
    def flops(self) -> float:
        """Of one batch on one device."""
        return float(self.values["batch_flops"])

    @property
    def bytes(self) -> float:
        """That one batch moves through the memory of one device."""
        return float(self.values["batch_bytes"])

    @property
    def binds(self) -> str:
        """What limits: compute, bandwidth, launch, links between devices, or memory."""
        if self.verdict == "does not":
            return "memory"
        if self.time is None:
            return "unknown"
        return "link" if self.summing > self.time.seconds / 2 else self.time.binds

    def hours_of_a_million(self) -> float | None:
        """Of as many sequences."""
        return self._timed("hours_of_a_million")

    def energy_of_a_million_kwh(self) -> float | None:
        """Of as many sequences, the devices at the watts that their makers write."""
        return None if self.question.device.row.watts is None else self._timed("kwh_of_a_million")

    def cost_of_a_million(self, price: Price) -> float | None:
        """In US dollars, at a price an hour."""
        if self.time is None:
            return None
        return float(Values({**self.values, "usd_an_hour": price.usd_an_hour})["usd_of_a_million"])

    def _timed(self, name: str) -> float | None:
        return None if self.time is None else float(self.values[name])


def devices(device: Device) -> int:
    """How many that work apart: the cores of a CPU are one."""
    return 1 if device.row.kind == "cpu" else device.count


def make_plan(question: Question) -> Plan:
    """Answer a question.

    Raises:
        UserError: lengths that the model cannot read, or a batch of nothing.
    """
    check(question)
    device = question.device
    precision = question.precision or best_precision(device)
    batch = question.batch or _usual_batch(question)
    work = Work(
        question.config,
        question.mode,
        spread(question.lengths, batch),
        precision,
        question.software,
        question.lora_rank,
    )
    sharing = MemorySharing(recompute=question.recompute)
    bandwidth, unknown = _link(question)
    if unknown is None:
        unknown = unknown_time(work, device)
    values = memory_values(work, device, sharing, {**rate_inputs(device, precision), "link_bytes_s": bandwidth})
    free = room(device)
    found = rate(device, precision)
    return Plan(
        question=question,
        work=work,
        sharing=sharing,
        batch=batch,
        values=values,
        needed=needed_of(values),
        room=None if free is None else free[0],
        room_evidence=None if free is None else free[1],
        rate=found,
        time=time_of(values) if unknown is None else None,
        unknown=unknown,
        summing=values["summing_seconds"] if bandwidth else 0.0,
        speed_range=likely_range(device, found),
        largest_batch=largest_batch(work, device, max(question.lengths), sharing),
        longest=longest_sequence(work, device, sharing),
    )


def _link(question: Question) -> tuple[float, str | None]:
    """Bytes a second between the devices, 0 where nothing goes between them; and what is not known of it."""
    device = question.device
    if question.mode == "inference" or devices(device) == 1:
        return 0.0, None
    bandwidth = link_bandwidth(device, question.link)
    if bandwidth is None:
        return 0.0, f"{device.name}: what joins several of them is not known; name it with --link"
    return bandwidth, None


def check(question: Question) -> None:
    """Refuse what cannot be.

    Raises:
        UserError: saying what.
    """
    most = question.config.max_length
    if not question.lengths or min(question.lengths) < 1:
        raise UserError("a sequence of no tokens", "Give lengths from 1 on.")
    if max(question.lengths) > most:
        raise UserError(
            f"sequences of {max(question.lengths):,} tokens, and {question.model} reads up to {most:,}",
            f"Choose lengths up to {most:,}; longer texts are read in windows of that.",
        )
    if question.mode != "inference" and question.precision in ("int8", "fp8"):
        raise UserError(f"training in {question.precision}", "Choose float32, bfloat16 or float16.")
    if question.batch is not None and question.batch < 1:
        raise UserError(f"a batch of {question.batch}", "Give a batch of 1 or more.")


def spread(lengths: tuple[int, ...], count: int) -> tuple[int, ...]:
    """`count` sequences that stand for typical ones: evenly chosen from the sorted lengths."""
    ordered = sorted(lengths)
    return tuple(ordered[(2 * i + 1) * len(ordered) // (2 * count)] for i in range(count))


def _usual_batch(question: Question) -> int:
    given = {
        "trains": question.mode != "inference",
        "plan_tokens": batch_tokens("plan", TORCH_KINDS[question.device.row.kind]),
        "mean_length": sum(question.lengths) / len(question.lengths),
    }
    return int(Values(given)["usual_batch"])


def likely_range(device: Device, found: Rate | None) -> tuple[float, float]:
    """Shares of a predicted speed between which the true one is likely to be."""
    remembered = found is not None and found.evidence == "memory"
    fitted = device.row.kind == "gpu" and not device.row.generation.startswith(("cdna", "gaudi", "battlemage"))
    return USUAL_RANGE if fitted and not remembered else WIDE_RANGE


@dataclass(frozen=True, slots=True)
class Change:
    """Something else to do, and what it gains.

    Attributes:
        words: what to do.
        gain: how many times as fast it is.
        saves: bytes of memory of one device that it saves.
    """

    words: str
    gain: float
    saves: int


def changes(plan: Plan) -> list[Change]:
    """What would make the work faster or smaller, the largest gain first; where it does not fit, what fits first."""
    found = []
    for words, question in _alternatives(plan):
        other = make_plan(question)
        if plan.sequences_per_second is None or other.sequences_per_second is None:
            gain = 1.0
        else:
            gain = other.sequences_per_second / plan.sequences_per_second
        saves = plan.needed.total - other.needed.total
        if other.verdict == "does not" or (plan.verdict != "does not" and gain < 1.05):
            continue
        found.append(Change(words, gain, saves))
    return sorted(found, key=lambda change: -change.gain)


def _alternatives(plan: Plan) -> list[tuple[str, Question]]:
    question, device = plan.question, plan.question.device
    found: list[tuple[str, Question]] = []
    auto = best_precision(device)
    if plan.work.precision == "float32" and auto != "float32":
        found.append((f"compute in {auto} (--precision {auto})", replace(question, precision=auto)))
    if not question.software.packed:
        found.append(("leave padding out (--engine bertkit)", replace(question, software=SOFTWARE["bertkit"])))
    if question.software.name == "bertkit" and device.row.kind == "gpu" and plan.work.trains:
        found.append(("compile the layers (train.compile = true)", replace(question, software=SOFTWARE["compiled"])))
    if plan.largest_batch > plan.batch:
        bigger = min(plan.largest_batch, 8 * plan.batch)
        found.append((f"larger batches (--batch {bigger})", replace(question, batch=bigger)))
    if 0 < plan.largest_batch < plan.batch:
        found.append((f"smaller batches (--batch {plan.largest_batch})", replace(question, batch=plan.largest_batch)))
    if plan.work.mode == "fine-tuning":
        found.append(("train adapters only (--lora)", replace(question, mode="lora")))
    if plan.work.trains and not question.recompute and plan.verdict != "runs":
        found.append(("recompute activations (--recompute)", replace(question, recompute=True)))
    return found
