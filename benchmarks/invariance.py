"""The same text in any batch: how many vectors differ in a bit, with `invariant=True` and without; and what it costs.

    python -m benchmarks.invariance [--batches 1000] [--rounds 15] [--dtypes float32 int8]

MiniLM, texts of mixed lengths (mean 52 tokens). Every batch is of 1 to 64 texts drawn anew, in random order; a text's
vector is compared with that of the text alone, bit for bit. The price is throughput on the same texts, interleaved.
"""

from __future__ import annotations

import argparse
from functools import partial

import numpy as np

import bertkit
from benchmarks.inference import mixed_lengths, texts_of_lengths
from benchmarks.measure import json_line, machine, race, ratio
from bertkit.tasks.sentence_embedding import Embedding

TEXTS = 400


def main() -> None:
    """Print both, a row a precision, and one JSON line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--batches", type=int, default=1_000)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--dtypes", nargs="+", default=["float32", "int8"])
    options = parser.parse_args()
    rows = []
    for dtype in options.dtypes:
        for invariant in (True, False):
            model = _load(dtype, invariant)
            texts = texts_of_lengths(model.tokenizer, mixed_lengths(TEXTS))
            compared, differ = _differing(model, texts, options.batches)
            print(
                f"{dtype:<9} {'invariant' if invariant else 'ordinary':<10} {differ:>7,} of {compared:,} differ",
                flush=True,
            )
            rows.append({"dtype": dtype, "invariant": invariant, "compared": compared, "differ": differ})
        runs = {name: partial(_load(dtype, name == "invariant").predict, texts) for name in ("ordinary", "invariant")}
        if options.rounds:
            timings = race(runs, options.rounds)
            times, low, high = ratio(timings["ordinary"], timings["invariant"])
            print(f"{dtype:<9} throughput {times:.2f} times the ordinary ({low:.2f} to {high:.2f})", flush=True)
            rows.append({"dtype": dtype, "throughput_ratio": times, "quartiles": [low, high]})
    print(json_line({"invariance": rows, **machine()}))


def _load(dtype: str, invariant: bool) -> bertkit.Model:
    return bertkit.load(task="sentence-embedding", dtype=dtype, invariant=invariant)


def _differing(model: bertkit.Model, texts: list[str], batches: int) -> tuple[int, int]:
    alone = np.stack([_vectors(model, [text])[0] for text in texts])
    numbers = np.random.default_rng(0)
    compared = differ = 0
    for _ in range(batches):
        chosen = numbers.choice(len(texts), numbers.integers(1, 65))
        found = _vectors(model, [texts[one] for one in chosen])
        compared += len(chosen)
        differ += int((found.view(np.uint32) != alone[chosen].view(np.uint32)).any(axis=1).sum())
    return compared, differ


def _vectors(model: bertkit.Model, texts: list[str]) -> np.ndarray:
    return np.stack([one.embedding for one in model.predict(texts) if isinstance(one, Embedding)]).astype(np.float32)


if __name__ == "__main__":
    main()
