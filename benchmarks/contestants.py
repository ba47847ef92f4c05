"""Contestants that each are a process of their own, and take training steps when they are told to.

A contestant's program gets its setup as JSON, says how many parameters it trains, and then, for each line on its
standard input, takes so many steps and answers with seconds, tokens that are not padding, the mean loss and its peak
memory.
"""

from __future__ import annotations

import json
import math
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import torch

from benchmarks.measure import Timing, json_line, ratio
from benchmarks.needed import installed
from bertkit.batching.training_batch import TrainingBatch
from bertkit.training.micro_batches import ahead
from bertkit.training.step import Stepper

with installed("benchmarks"):
    import transformers
    from transformers.trainer_pt_utils import get_length_grouped_indices

Wait = Callable[[], int | None]
Tell = Callable[[dict[str, float]], None]
Lengths = Sequence[int]


@dataclass
class Taken:
    """What a contestant has done in the rounds that count.

    Attributes:
        tokens, seconds, losses: of each round.
        peak_bytes: the highest so far.
    """

    tokens: list[int]
    seconds: list[float]
    losses: list[float]
    peak_bytes: int = 0

    def keep(self, rounds: int) -> None:
        """Only the first of them."""
        for each in (self.tokens, self.seconds, self.losses):
            del each[rounds:]

    @property
    def tokens_per_second(self) -> float:
        """Over all rounds."""
        return sum(self.tokens) / sum(self.seconds)

    @property
    def timing(self) -> Timing:
        """Seconds a token, round by round."""
        return Timing([seconds / tokens for seconds, tokens in zip(self.seconds, self.tokens, strict=True)])


class Contestant:
    """A process that takes steps when it is told to, and waits otherwise.

    Args:
        program: the module that it runs, and its setup.
        steps: that it takes at a time.
    """

    def __init__(self, program: Sequence[str], steps: int) -> None:
        self.taken = Taken([], [], [])
        self._steps = steps
        self._stack = ExitStack()
        self._log = self._stack.enter_context(tempfile.TemporaryFile("w+"))  # noqa: SIM115
        self._process = subprocess.Popen(
            [sys.executable, "-m", *program],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            text=True,
        )
        self.parameters = int(self._answer()["parameters"])

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.communicate()
        self._stack.close()

    def step(self, *, counts: bool) -> float:
        """The steps of one round; the tokens a second that they came to."""
        assert self._process.stdin is not None
        with suppress(BrokenPipeError):  # it has ended: `_answer` says why
            print(self._steps, file=self._process.stdin, flush=True)
        answer = self._answer()
        self.taken.peak_bytes = int(answer["peak_bytes"])
        if counts:
            self.taken.tokens.append(int(answer["tokens"]))
            self.taken.seconds.append(answer["seconds"])
            self.taken.losses.append(answer["loss"])
        return answer["tokens"] / answer["seconds"]

    def _answer(self) -> dict[str, float]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            self._log.seek(0)
            raise SystemExit(f"{' '.join(map(str, self._process.args))} has failed:\n{self._log.read()[-4000:]}")  # type: ignore[arg-type]
        answer: dict[str, float] = json.loads(line)
        return answer


def compete(contestants: Mapping[str, Contestant], rounds: int) -> None:
    """Each contestant once a round, after one round that does not count; the order turns with the round.

    Interrupted, it ends with the last round that all have done.

    Raises:
        SystemExit: they do not train the same model.
    """
    if len({contestant.parameters for contestant in contestants.values()}) > 1:
        raise SystemExit("the contestants do not train the same model: they have other numbers of parameters")
    names = list(contestants)
    try:
        for number in range(rounds + 1):
            turn = number % len(names)
            for name in names[turn:] + names[:turn]:
                contestants[name].step(counts=number > 0)
    except KeyboardInterrupt:
        whole = min(len(contestant.taken.seconds) for contestant in contestants.values())
        if whole < 2:
            raise
        for contestant in contestants.values():
            contestant.taken.keep(whole)


def report(case: str, contestants: Mapping[str, Contestant], first_peer: str) -> list[dict[str, object]]:
    """Prints a line for each, and gives them as rows; the last is `first_peer` again, against itself (A/A)."""
    rows: list[dict[str, object]] = []
    for name, contestant in contestants.items():
        taken = contestant.taken
        again = name.endswith("again")
        against = first_peer if again else "bertkit"
        median, low, high = ratio(taken.timing, contestants[against].taken.timing)
        note = "" if name == "bertkit" else f"{median:.2f} ({low:.2f} to {high:.2f})"
        note += " A/A, not bertkit" if again else ""
        mib, loss = taken.peak_bytes / 2**20, sum(taken.losses) / len(taken.losses)
        print(f"{case:8} {name:32} {taken.tokens_per_second:8.0f} {mib:8.0f} {loss:6.2f}  {note}", flush=True)
        rows.append(
            {
                "contestant": name,
                "tokens": sum(taken.tokens),
                "tokens_per_second": round(taken.tokens_per_second, 1),
                "peak_mib": round(mib),
                "loss": round(loss, 3),
                "against": against,
                "ratio": round(median, 3),
                "quartiles": [round(low, 3), round(high, 3)],
            }
        )
    return rows


class CountingTrainer(transformers.Trainer):
    """transformers' Trainer, its useful tokens and its loss counted.

    Grouped by length, it would go from the longest batch of fifty to the shortest; a few steps would all be long ones.
    So the library's own batches are taken in another order: each few steps are spread over all lengths.

    Args:
        steps: taken at a time.
        lengths: of the training set's samples, where they are to be grouped by length; None takes them as they come.
    """

    def __init__(self, steps: int, lengths: Lengths | None, **parts: Any) -> None:
        super().__init__(**parts)
        self.steps, self.lengths = steps, lengths
        self.counted: dict[str, float] = {"tokens": 0, "loss": 0.0}

    def training_step(
        self, model: Any, inputs: dict[str, torch.Tensor], num_items_in_batch: Any = None
    ) -> torch.Tensor:
        self.counted["tokens"] += int(inputs["attention_mask"].sum())
        loss = super().training_step(model, inputs, num_items_in_batch)
        # It adds the means of micro-batches up for this model, as if they were sums; Adam's update is nearly the same.
        self.counted["loss"] += float(loss) / (self.steps * self.args.gradient_accumulation_steps)
        return loss

    def _get_train_sampler(self, train_dataset: Any = None) -> Any:
        if self.lengths is None:
            return super()._get_train_sampler(train_dataset)
        size = self.args.per_device_train_batch_size * self.args.gradient_accumulation_steps
        order = get_length_grouped_indices(self.lengths, size, generator=torch.Generator().manual_seed(0))  # type: ignore[no-untyped-call]
        return spread(order, size, self.steps)


def spread(order: list[int], size: int, steps: int) -> list[int]:
    """Batches of `size` of an order, taken so that each `steps` of them have one of each stretch of fifty's lengths."""
    whole = [order[at : at + size] for at in range(0, len(order) - size + 1, size)]
    megabatch = max(1, min(len(order) // (size * 4), 50))  # batches that the library sorts together
    picked = []
    for at in range(0, len(whole) - megabatch + 1, megabatch):
        stretches = [whole[at + k * megabatch // steps : at + (k + 1) * megabatch // steps] for k in range(steps)]
        each = min(map(len, stretches))
        turns = dict.fromkeys(int(number * 0.618 % 1 * each) for number in range(each))  # even, however few are taken
        # From one stretch to the next the turn is mirrored: a longer one of its lengths, then a shorter one.
        ends = [stretch[:each][:: (1, -1)[k % 2]] for k, stretch in enumerate(stretches)]
        picked += [stretch[turn] for turn in turns for stretch in ends]
    return [index for batch in picked for index in batch]


class Told(transformers.TrainerCallback):
    """Holds a Trainer until it is told to go on."""

    def __init__(self, trainer: CountingTrainer, wait: Wait, tell: Tell) -> None:
        self.trainer, self.wait, self.tell = trainer, wait, tell
        self.left, self.began = 0, 0.0

    def on_train_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        self._go(control)

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        self.left -= 1
        if not self.left:
            self.tell({"seconds": time.perf_counter() - self.began, **self.trainer.counted})
            self._go(control)

    def _go(self, control: Any) -> None:
        number = self.wait()
        control.should_training_stop = number is None
        self.left, self.began = number or 1, time.perf_counter()
        self.trainer.counted = {"tokens": 0, "loss": 0.0}


def take_steps(
    stepper: Stepper,
    name: str,
    coming: Iterator[list[TrainingBatch]],
    rate_of: Callable[[int], None],
    wait: Wait,
    tell: Tell,
) -> None:
    """bertkit's steps, as many as it is told to take.

    Args:
        name: of the objective.
        coming: the micro-batches of each step.
        rate_of: sets the learning rate of a step.
    """
    step = 0
    while (number := wait()) is not None:
        began = time.perf_counter()
        tokens, loss = 0, 0.0
        with closing(ahead(islice(coming, number))) as made:  # nothing is made while others have the machine
            for micro in made:
                counts = {name: stepper.counts(micro)[0]}
                rate_of(step)
                sums = stepper.gradient(micro, counts, step)
                assert sums is not None
                assert stepper.update(sums, counts).skipped is None
                tokens += sum(sum(batch.tokens.layout.lengths) for batch in micro)
                loss += float(sums[f"{name}/loss"]) / counts[name] / number
                step += 1
        tell({"seconds": time.perf_counter() - began, "tokens": tokens, "loss": loss})


def peak_bytes() -> int:
    """The most memory that this process has had, the program that started it not counted, where the system says so."""
    status = Path("/proc/self/status")
    if status.exists():
        lines = dict(line.split(":", 1) for line in status.read_text().splitlines())
        return int(lines["VmHWM"].split()[0]) * 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def told() -> tuple[Wait, Tell]:
    """How a contestant's program hears how many steps to take, and how it answers."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what a library prints is not an answer

    def wait() -> int | None:
        line = sys.stdin.readline()
        return int(line) if line.strip() else None

    def tell(values: dict[str, float]) -> None:
        assert all(math.isfinite(value) for value in values.values())
        print(json_line({**values, "peak_bytes": peak_bytes()}), file=answers, flush=True)

    return wait, tell
