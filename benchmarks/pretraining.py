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
import os
import tempfile
from contextlib import ExitStack
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path

import torch

from benchmarks.contestants import Contestant, compete, report
from benchmarks.measure import json_line, machine
from benchmarks.pretraining_contestants import Setup, step_sequences
from benchmarks.pretraining_data import make_shards
from bertkit.training.assembly import choose_precision

MICRO_BATCHES = (1, 2, 4)
PEERS = {"mixed": ("trainer", "grouped"), "full": ("trainer",)}
NAMES = {"bertkit": "bertkit", "trainer": "Trainer", "grouped": "Trainer, group_by_length"}


def main() -> None:
    """Run both cases, print the table, then one JSON line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="BERT-mini, 2,048 tokens a step")
    parser.add_argument("--model", choices=["tiny", "mini", "small", "medium", "base", "large"])
    parser.add_argument("--batch-tokens", type=int, help="tokens of a step (4096)")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--steps", type=int, default=2, help="steps of each contestant in a round")
    parser.add_argument("--precision", choices=["auto", "float32", "bfloat16"], default="auto")
    parser.add_argument("--vocab", help="a tokenizer as `bertkit prepare` takes it; the built-in model's without it")
    options = parser.parse_args()
    size = options.model or ("mini" if options.quick else "base")
    batch_tokens = options.batch_tokens or (2048 if options.quick else 4096)
    precision = choose_precision(options.precision, torch.device("cpu"))
    data = os.environ.get("BERTKIT_TEST_DATA")
    corpus = Path(data) / "wikipedia/wiki_00.txt.gz" if data else None
    why = ", which is what auto is on this processor" if options.precision == "auto" else ""
    print(f"BERT-{size}, {precision}{why}; {'Wikipedia' if corpus else 'random ids'}; {batch_tokens} tokens a step")
    print(
        f"{'lengths':8} {'contestant':32} {'tokens/s':>8} {'peak MiB':>8} {'loss':>6}  bertkit is faster by", flush=True
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
        contestants = {"bertkit": stack.enter_context(_started(setup))}
        setups = {}
        for kind in PEERS[case]:
            best = _best(replace(setup, kind=kind))
            batch = step_sequences(best) // best.micro_batches
            name = f"{NAMES[kind]} ({best.micro_batches} x {batch})"
            setups[name], contestants[name] = best, stack.enter_context(_started(best))
        first = next(iter(setups))
        contestants[f"{first} again"] = stack.enter_context(_started(setups[first]))
        compete(contestants, rounds)
        return report(case, contestants, first)


def _started(setup: Setup) -> Contestant:
    return Contestant(["benchmarks.pretraining_contestants", setup.to_json()], setup.steps)


def _best(setup: Setup) -> Setup:
    """The peer with a step divided in the way that is its fastest."""
    speeds = {}
    for micro_batches in MICRO_BATCHES:
        divided = replace(setup, micro_batches=micro_batches)
        with _started(divided) as contestant:
            contestant.step(counts=False)
            speeds[divided] = contestant.step(counts=False)
    return max(speeds, key=speeds.__getitem__)


if __name__ == "__main__":
    main()
