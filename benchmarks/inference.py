"""Sentence embeddings on a CPU: bertkit against transformers and sentence-transformers, from texts to vectors.

    python -m benchmarks.inference --quick      about ten minutes on two cores
    python -m benchmarks.inference              more texts, more rounds

Everyone tokenises, runs the encoder, mean-pools and normalises. Fixed lengths: 8 texts of 128 tokens. Mixed lengths:
texts of 8 to 256 tokens, most of them short, in random order; each peer sorts them by length and runs at the batch size
that a trial shows to be its best. Useful tokens are counted, never padding. A peer against itself (A/A) is the noise.
"""

from __future__ import annotations

import argparse
import random
import tempfile
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import numpy as np
import torch

from benchmarks.measure import Timing, json_line, machine, race, ratio
from benchmarks.peers import BATCH_SIZES, Bertkit, SentenceTransformers, Transformers
from bertkit.checkpoints.embedded import embedded_folder
from bertkit.checkpoints.tensors import write_tensors
from bertkit.families.bert import FAMILY
from bertkit.families.foreign_config import write_config
from bertkit.model.build import build_encoder
from bertkit.model.init import initialise
from bertkit.pretrained.sentence_transformers import SentenceSettings
from bertkit.pretrained.sentence_writing import write_settings
from bertkit.pretrained.weights import NameTable
from bertkit.tokenization.tokenizer import Tokenizer

Embed = Callable[[Sequence[str]], np.ndarray]
PEERS = {"transformers": Transformers, "sentence-transformers": SentenceTransformers}


def main() -> None:
    """Run the races, print the table, then one JSON line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="fewer texts and rounds")
    parser.add_argument("--sizes", nargs="+", default=["MiniLM", "base"], choices=["MiniLM", "base"])
    parser.add_argument("--dtypes", nargs="+", default=["float32", "bfloat16"], choices=["float32", "bfloat16"])
    options = parser.parse_args()
    rounds, mixed = (15, 32) if options.quick else (31, 128)
    print(
        f"{'model':7} {'dtype':9} {'lengths':8} {'tokens':>6}  {'contestant':27} {'tokens/s':>8}  bertkit is faster by",
        flush=True,
    )
    rows = []
    with tempfile.TemporaryDirectory() as scratch:
        folders = {"MiniLM": embedded_folder(), "base": _random_base(Path(scratch) / "base", embedded_folder())}
        tokenizer = Tokenizer.load(folders["MiniLM"])
        works = {
            "fixed": texts_of_lengths(tokenizer, [128] * 8),
            "mixed": texts_of_lengths(tokenizer, mixed_lengths(mixed)),
        }
        for size in options.sizes:
            for dtype in options.dtypes:
                rows += _compare(size, folders[size], dtype, works, rounds)
    print(json_line({"benchmark": "inference", "machine": machine(), "rounds": rounds, "rows": rows}))


def _compare(size: str, folder: Path, dtype: str, works: dict[str, list[str]], rounds: int) -> list[dict[str, object]]:
    ours = Bertkit(folder, dtype)
    peers = {name: kind(folder, dtype) for name, kind in PEERS.items()}
    rows = []
    for lengths, texts in works.items():
        tokens = sum(result.reading.input_tokens for result in ours.model.predict(texts))
        contestants: dict[str, Embed] = {"bertkit": ours.embed}
        for name, peer in peers.items():
            best = _best_batch_size(peer.embed, texts) if lengths == "mixed" else len(texts)
            contestants[f"{name} ({best})"] = partial(peer.embed, batch_size=best)
        _check_agreement(contestants, texts, dtype)
        timings = race(_with_itself({name: partial(embed, texts) for name, embed in contestants.items()}), rounds)
        rows += list(_report(size, dtype, lengths, tokens, timings))
    return rows


def _with_itself(runs: dict[str, Callable[[], object]]) -> dict[str, Callable[[], object]]:
    """The runs, and the first peer once more under another name: what differs between the two is noise."""
    peer = list(runs)[1]
    return {**runs, f"{peer} again": runs[peer]}


def _report(size: str, dtype: str, lengths: str, tokens: int, timings: dict[str, Timing]) -> list[dict[str, object]]:
    rows = []
    for name, timing in timings.items():
        against = f"{list(timings)[1]}" if name.endswith("again") else "bertkit"
        median, low, high = ratio(timing, timings[against])
        note = "" if name == "bertkit" else f"{median:.2f} ({low:.2f} to {high:.2f})"
        note += " A/A, not bertkit" if name.endswith("again") else ""
        speed = tokens / timing.median
        print(f"{size:7} {dtype:9} {lengths:8} {tokens:6}  {name:27} {speed:8.0f}  {note}", flush=True)
        rows.append(
            {"model": size, "dtype": dtype, "lengths": lengths, "tokens": tokens, "contestant": name}
            | {"median_seconds": round(timing.median, 5), "tokens_per_second": round(speed)}
            | {"against": against, "ratio": round(median, 3), "quartiles": [round(low, 3), round(high, 3)]}
        )
    return rows


def _best_batch_size(embed: Callable[..., np.ndarray], texts: list[str]) -> int:
    def seconds(batch_size: int) -> float:
        embed(texts, batch_size=batch_size)
        start = time.perf_counter()
        embed(texts, batch_size=batch_size)
        return time.perf_counter() - start

    return min(BATCH_SIZES, key=seconds)


def _check_agreement(contestants: dict[str, Embed], texts: list[str], dtype: str) -> None:
    """Nobody is fast by computing something else."""
    vectors = [embed(texts) for embed in contestants.values()]
    for name, other in zip(contestants, vectors, strict=True):
        worst = (vectors[0] * other).sum(axis=1).min()
        if not worst > (0.99999 if dtype == "float32" else 0.995):
            raise SystemExit(f"{name} gives other vectors: cosine {worst:.5f}")


def texts_of_lengths(tokenizer: Tokenizer, lengths: list[int]) -> list[str]:
    """Random texts of exactly these numbers of tokens, special tokens included: words that are one piece each."""
    words = [tokenizer.token(id) for id in range(2000, 8000)]
    words = [word for word in words if word.isascii() and word.isalpha()]
    chance = random.Random(0)
    return [" ".join(chance.choices(words, k=length - 2)) for length in lengths]


def mixed_lengths(count: int) -> list[int]:
    """Lengths of 8 to 256 with a mean near 52: log-normal, as real texts are."""
    chance = random.Random(0)
    return [min(256, max(8, round(chance.lognormvariate(3.6, 0.8)))) for _ in range(count)]


def _random_base(folder: Path, tokenizer_from: Path) -> Path:
    """A BERT-base with random weights: speed does not depend on what they are."""
    folder.mkdir()
    config = FAMILY.presets["base"]
    encoder = build_encoder(config)
    initialise(encoder, config.initializer_range, torch.Generator().manual_seed(0))
    (folder / "config.json").write_text(json_line(write_config(FAMILY, config)))
    table = NameTable(FAMILY.encoder, config, tuple(map(str, range(config.layers))))
    write_tensors(folder / "model.safetensors", table.to_theirs(encoder.state_dict()))
    Tokenizer.load(tokenizer_from).save(folder)
    write_settings(folder, SentenceSettings("mean", True, "", 512), config.width)
    return folder


if __name__ == "__main__":
    main()
