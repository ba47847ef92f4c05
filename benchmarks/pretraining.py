"""Pre-training on a CPU: bertkit's training step against transformers' Trainer, in useful tokens a second.

    python -m benchmarks.pretraining --quick            BERT-mini, small batches
    python -m benchmarks.pretraining                    BERT-base

Both train the same masked language model on the same sequences, with the same dropout, optimiser, precision and, in the
mean, tokens a step; a step is all of it, from choosing sequences to the update. Mixed: paragraphs of Wikipedia, 8 to
512 tokens ($BERTKIT_TEST_DATA; random ids without it). Full: sequences of 512 tokens. The peer is BertForMaskedLM with
DataCollatorForLanguageModeling, which pads each batch to its longest; with mixed lengths also grouped by length. It
gets its data tokenised and in memory, and divides a step as a trial shows to be its best; bertkit runs as it comes.
Tokens of padding are not counted. A peer against itself, in a process of its own (A/A), is the noise. Peak memory is
resident, of each contestant's own process, its data included.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path
from types import TracebackType
from typing import Self

import torch

from benchmarks.measure import Timing, json_line, machine, ratio
from benchmarks.pretraining_contestants import Setup, step_sequences
from benchmarks.pretraining_data import make_shards
from bertkit.training.assembly import choose_precision

MICRO_BATCHES = (1, 2, 4)
PEERS = {"mixed": ("trainer", "grouped"), "full": ("trainer",)}
NAMES = {"bertkit": "bertkit", "trainer": "Trainer", "grouped": "Trainer, group_by_length"}


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

    @property
    def tokens_per_second(self) -> float:
        """Over all rounds."""
        return sum(self.tokens) / sum(self.seconds)

    @property
    def timing(self) -> Timing:
        """Seconds a token, round by round."""
        return Timing([seconds / tokens for seconds, tokens in zip(self.seconds, self.tokens, strict=True)])


class Contestant:
    """A process that takes steps when it is told to, and waits otherwise."""

    def __init__(self, setup: Setup) -> None:
        self.setup = setup
        self.taken = Taken([], [], [])
        command = [sys.executable, "-m", "benchmarks.pretraining_contestants", setup.to_json()]
        self._stack = ExitStack()
        self._log = self._stack.enter_context(tempfile.TemporaryFile("w+"))  # noqa: SIM115
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._log, text=True
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
        print(self.setup.steps, file=self._process.stdin, flush=True)
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
            raise SystemExit(f"{self.setup.kind} has failed:\n{self._log.read()[-4000:]}")
        answer: dict[str, float] = json.loads(line)
        return answer


def main() -> None:
    """Run both cases, print the table, then one JSON line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="BERT-mini, 2,048 tokens a step")
    parser.add_argument("--model", choices=["tiny", "mini", "small", "medium", "base", "large"])
    parser.add_argument("--batch-tokens", type=int, help="tokens of a step (4096)")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--steps", type=int, default=2, help="steps of each contestant in a round")
    parser.add_argument("--precision", choices=["auto", "float32", "bfloat16"], default="auto")
    parser.add_argument("--vocab", help="a tokenizer as `bertkit prepare` takes it; the embedded model's without it")
    options = parser.parse_args()
    size = options.model or ("mini" if options.quick else "base")
    batch_tokens = options.batch_tokens or (2048 if options.quick else 4096)
    precision = choose_precision(options.precision, torch.device("cpu"))
    data = os.environ.get("BERTKIT_TEST_DATA")
    corpus = Path(data) / "wikipedia/wiki_00.txt.gz" if data else None
    why = ", which is what auto is on this processor" if options.precision == "auto" else ""
    print(f"BERT-{size}, {precision}{why}; {'Wikipedia' if corpus else 'random ids'}; {batch_tokens} tokens a step")
    print(
        f"{'lengths':7} {'contestant':32} {'tokens/s':>8} {'peak MiB':>8} {'loss':>6}  bertkit is faster by", flush=True
    )
    rows = []
    with tempfile.TemporaryDirectory() as scratch:
        for case, shards in make_shards(Path(scratch), corpus, options.vocab).items():
            setup = Setup("bertkit", str(shards), size, precision, batch_tokens, 1, options.steps)
            rows += [row | {"lengths": case} for row in _compare(case, setup, options.rounds)]
    about = {"model": size, "precision": precision, "data": "wikipedia" if corpus else "random", "rows": rows}
    about |= {"batch_tokens": batch_tokens, "steps": options.steps, "rounds": options.rounds}
    print(
        json_line({"benchmark": "pretraining", "machine": machine() | {"accelerate": version("accelerate")}, **about})
    )


def _compare(case: str, setup: Setup, rounds: int) -> list[dict[str, object]]:
    with ExitStack() as stack:
        contestants = {"bertkit": stack.enter_context(Contestant(setup))}
        for kind in PEERS[case]:
            peer = _best(replace(setup, kind=kind), stack)
            batch = step_sequences(peer.setup) // peer.setup.micro_batches
            contestants[f"{NAMES[kind]} ({peer.setup.micro_batches} x {batch})"] = peer
        first = list(contestants)[1]
        contestants[f"{first} again"] = stack.enter_context(Contestant(contestants[first].setup))
        if len({contestant.parameters for contestant in contestants.values()}) > 1:
            raise SystemExit("the contestants do not train the same model: they have other numbers of parameters")
        names = list(contestants)
        for number in range(rounds + 1):  # the first does not count
            turn = number % len(names)
            for name in names[turn:] + names[:turn]:
                contestants[name].step(counts=number > 0)
        return list(_report(case, {name: contestant.taken for name, contestant in contestants.items()}))


def _best(setup: Setup, stack: ExitStack) -> Contestant:
    """The peer with a step divided in the way that is its fastest, already running."""
    best, best_speed = None, 0.0
    for micro_batches in MICRO_BATCHES:
        contestant = Contestant(replace(setup, micro_batches=micro_batches))
        contestant.step(counts=False)
        speed = contestant.step(counts=False)
        if speed > best_speed:
            best, best_speed, contestant = contestant, speed, best
        if contestant is not None:
            with contestant:
                pass
    assert best is not None
    return stack.enter_context(best)


def _report(case: str, all_taken: dict[str, Taken]) -> Iterator[dict[str, object]]:
    names = list(all_taken)
    for name, taken in all_taken.items():
        against = names[1] if name.endswith("again") else "bertkit"
        median, low, high = ratio(taken.timing, all_taken[against].timing)
        note = "" if name == "bertkit" else f"{median:.2f} ({low:.2f} to {high:.2f})"
        note += " A/A, not bertkit" if name.endswith("again") else ""
        mib, loss = taken.peak_bytes / 2**20, sum(taken.losses) / len(taken.losses)
        print(f"{case:7} {name:32} {taken.tokens_per_second:8.0f} {mib:8.0f} {loss:6.2f}  {note}", flush=True)
        yield {
            "contestant": name,
            "tokens": sum(taken.tokens),
            "tokens_per_second": round(taken.tokens_per_second, 1),
            "peak_mib": round(mib),
            "loss": round(loss, 3),
            "against": against,
            "ratio": round(median, 3),
            "quartiles": [round(low, 3), round(high, 3)],
        }


if __name__ == "__main__":
    main()
