"""What would fit where something did not: in words that name the setting and its value; without torch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from bertkit.config.encoder import EncoderConfig
from bertkit.planner.devices import Device, DeviceRow
from bertkit.planner.memory import largest, needed
from bertkit.planner.parameters import count_parameters
from bertkit.planner.rates import BYTES, Precision
from bertkit.planner.software import SOFTWARE
from bertkit.planner.training_memory import Training, training_memory
from bertkit.planner.work import Work

GB = 1e9
SHORTEST = 8  # that a configuration takes
USED_SHARE = 0.5  # of what is free: answers take room as well, and what is free lies in pieces
HALF_TRAINING = "bfloat16-weights"  # of those that training has, what keeps least


@dataclass(frozen=True, slots=True)
class FittingBatch:
    """What fits of inference.

    Attributes:
        tokens: of one batch of sequences of the length that was asked for; 0 where not even one fits.
        longest: tokens of the longest sequence that fits alone.
    """

    tokens: int
    longest: int


def fitting_batch(config: EncoderConfig, precision: Precision, length: int, free: int, *, gpu: bool) -> FittingBatch:
    """What fits beside weights that are in memory already.

    Args:
        length: tokens of the longest sequence.
        free: bytes.
    """
    row = DeviceRow(name="it", kind="gpu" if gpu else "cpu", source="asked")
    device = Device(row, "now")

    def fits(lengths: tuple[int, ...]) -> bool:
        work = Work(config, "inference", lengths, precision, SOFTWARE["bertkit"])
        need = needed(work, device)
        return need.total - need.weights <= free

    count = largest(lambda number: fits((length,) * number), most=2**14)
    longest = length if count else largest(lambda tokens: fits((tokens,)), most=length + 1)
    return FittingBatch(count * length, longest)


def inference_remedy(
    config: EncoderConfig, precision: Precision, lengths: Sequence[int], free: int, *, gpu: bool
) -> str | None:
    """What to do where a batch of these lengths did not fit; None where nothing is known that would.

    A plan may be wrong, and a batch that failed did not fit: no more than half of it is offered.
    """
    longest, half = max(lengths), sum(lengths) // 2
    room = int(USED_SHARE * free)
    found = fitting_batch(config, precision, longest, room, gpu=gpu)
    # In half precision the weights, which are there now, take less as well.
    saved = max(0, BYTES[precision] - 2) * count_parameters(config)
    narrow = fitting_batch(config, "bfloat16", longest, room + saved, gpu=gpu) if saved else None
    tokens = min(found.tokens, half)
    if tokens >= longest:
        more = "" if narrow is None or narrow.tokens <= found.tokens else "; --dtype bfloat16 takes less"
        return f"{_size(free)} are free, which is room for --batch-tokens {tokens}{more}."
    if narrow is not None and narrow.tokens >= longest:
        return f"{_size(free)} are free: with --dtype bfloat16 one text of {longest:,} tokens fits."
    if len(lengths) > 1 and found.tokens:
        return f"{_size(free)} are free: answer one text at a time, with --batch-tokens 1."
    if found.longest > 0:
        return f"{_size(free)} are free: texts of up to {min(found.longest, longest // 2):,} tokens fit."
    return None


def training_remedy(config: EncoderConfig, how: Training, free: int) -> str | None:
    """Which settings would make a training step of one sequence fit; None where nothing is known that would."""

    def total(other: Training) -> int:
        return training_memory(config, other).total

    def one_of(length: int, other: Training) -> Training:
        return replace(other, length=length, micro_batch_tokens=length)

    offered: list[str] = []
    if not how.recompute and total(replace(how, recompute=True)) <= free:
        offered.append("train.recompute = true")
    if how.precision != HALF_TRAINING and total(replace(how, precision=HALF_TRAINING)) <= free:
        offered.append(f"train.precision = '{HALF_TRAINING}'")
    shorter = largest(lambda length: total(one_of(length, how)) <= free, most=how.length + 1)
    # Where a plan says that all of it fits, it was wrong: then half.
    shorter = how.length // 2 if shorter >= how.length else shorter
    if shorter >= SHORTEST:
        offered.append(f"data.length = {shorter}")
    if not offered:
        return None
    return f"It fits with {', or with '.join(offered)}."


def _size(count: int) -> str:
    return f"{count / GB:.1f} GB" if count >= GB else f"{count / 1e6:.0f} MB"
