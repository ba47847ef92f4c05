"""From a corpus to token ids: bertkit against the usual way, on the same documents with the same vocabulary.

    python -m benchmarks.prepare VOCAB FILES...     FILES: WikiExtractor's, gzip or not; $BERTKIT_TEST_DATA without any

The usual way is `datasets.map` in batches over two processes with transformers' fast tokenizer on the sentences of each
document, and then pairs for next-sentence prediction made in Python, as the well-known run scripts do. bertkit filters,
looks for duplicates and writes shards; pairs are made while it trains, so nothing stands for them here. Both get two
processes. bertkit also reads the files and starts its program inside its time; the usual way has the documents in
memory, and cuts sentences with bertkit's rules in the map. Beside the default, which looks for near duplicates, are a
run that looks for exact ones only and one that leaves out nothing. Last, the peak memory of the whole process tree for
the first files and for all: it should not grow.
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from benchmarks.measure import Timing, json_line, machine, race, ratio
from benchmarks.needed import data_folder, installed
from bertkit.corpora.documents import read_documents
from bertkit.corpora.sentences import split_sentences
from bertkit.tokenization.tokenizer import Tokenizer

with installed("benchmarks"):
    import datasets
    import transformers

PROCESSES = 2
TARGET_TOKENS = 126  # of 128, the special tokens of a pair put aside roughly as the scripts do


def main() -> None:
    """Run the race, then the memory, print a table, then one JSON line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("vocab", nargs="?")
    parser.add_argument("files", nargs="*")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--raced", type=int, default=2, help="how many of the files are raced over")
    parser.add_argument("--no-memory", action="store_true", help="only the race, which is short")
    options = parser.parse_args()
    vocab = options.vocab or str(data_folder() / "vocab/bert-base-uncased-vocab.txt")
    files = options.files or [str(path) for path in sorted((data_folder() / "wikipedia").glob("*.gz"))]
    raced = files[: options.raced]
    texts = [document.text or "" for file in raced for document in read_documents(file)]
    megabytes = sum(len(text.encode()) for text in texts) / 1e6
    with tempfile.TemporaryDirectory() as scratch:
        place = Path(scratch)
        runs: dict[str, Callable[[], object]] = {
            "bertkit": lambda: bertkit(raced, vocab, place),
            "bertkit, exact duplicates only": lambda: bertkit(raced, vocab, place, "--no-near-duplicates"),
            "bertkit, nothing left out": lambda: bertkit(raced, vocab, place, "--keep-duplicates", "--no-filters"),
            "datasets.map": lambda: usual(texts, vocab, place),
        }
        timings = race(runs, options.rounds)
        rows = list(_report(timings, megabytes))
        memory = [] if options.no_memory else [_memory(few, vocab, place) for few in (raced, files)]
    if memory:
        grown = memory[1]["peak_mib"] / memory[0]["peak_mib"]
        print(f"peak memory for {len(files)} files is {grown:.3f} times that for {len(raced)}")
    print(json_line({"benchmark": "prepare", "machine": machine(), "rows": rows, "memory": memory}))


def bertkit(files: list[str], vocab: str, place: Path, *more: str) -> subprocess.Popen[bytes]:
    """One run of the command, which has ended; its start and imports are in the time, as they are for a user."""
    process = start(files, vocab, place, *more)
    if process.wait():
        raise SystemExit("bertkit prepare failed")
    return process


def start(files: list[str], vocab: str, place: Path, *more: str) -> subprocess.Popen[bytes]:
    """The command, begun."""
    folder = tempfile.mkdtemp(dir=place)
    options = ["-o", folder, "--vocab", vocab, "--processes", str(PROCESSES), "--json", *more]
    return subprocess.Popen([sys.executable, "-m", "bertkit", "prepare", *files, *options], stdout=subprocess.DEVNULL)


def usual(texts: list[str], vocab: str, place: Path) -> None:
    """Documents to pairs as the run scripts make them."""
    datasets.disable_progress_bars()
    datasets.disable_caching()
    tokenizer = transformers.BertTokenizerFast.from_pretrained(_vocabulary(vocab, place))
    corpus = datasets.Dataset.from_dict({"text": texts})
    made = corpus.map(
        _pairs_of_batch,
        batched=True,
        batch_size=100,
        num_proc=PROCESSES,
        remove_columns=["text"],
        fn_kwargs={"tokenizer": tokenizer},
        cache_file_name=str(Path(tempfile.mkdtemp(dir=place)) / "pairs.arrow"),
    )
    if not len(made):
        raise SystemExit("the usual way has made no pairs")


def _vocabulary(vocab: str, place: Path) -> Path:
    """A folder as transformers wants it, its tokens the same as ours."""
    folder = place / "vocabulary"
    if not folder.exists():
        folder.mkdir()
        shutil.copy(vocab, folder / "vocab.txt")
        text = "Nobody is fast by computing something else: unaffable, 1984."
        theirs = transformers.BertTokenizerFast.from_pretrained(folder)(text, add_special_tokens=False)["input_ids"]
        if theirs != list(Tokenizer.load_file(Path(vocab)).tokenize([text])[0].ids):
            raise SystemExit("the two tokenizers do not agree")
    return folder


def _pairs_of_batch(batch: dict[str, list[str]], tokenizer: Any) -> dict[str, list[Any]]:
    documents = []
    for text in batch["text"]:
        sentences = split_sentences(text)
        if sentences:
            ids = tokenizer(sentences, add_special_tokens=False, return_attention_mask=False)["input_ids"]
            documents.append([one for one in ids if one])
    chance = random.Random(0)
    cls, sep = tokenizer.cls_token_id, tokenizer.sep_token_id
    made: dict[str, list[Any]] = {"input_ids": [], "token_type_ids": [], "next_sentence_label": []}
    for place, document in enumerate(documents):
        for first, second, is_random in _pairs(place, document, documents, chance):
            made["input_ids"].append([cls, *first, sep, *second, sep])
            made["token_type_ids"].append([0] * (len(first) + 2) + [1] * (len(second) + 1))
            made["next_sentence_label"].append(int(is_random))
    return made


def _pairs(
    place: int, document: list[list[int]], documents: list[list[list[int]]], chance: random.Random
) -> Iterator[tuple[list[int], list[int], bool]]:
    held: list[list[int]] = []
    size, number = 0, 0
    while number < len(document):
        held.append(document[number])
        size += len(document[number])
        if number == len(document) - 1 or size >= TARGET_TOKENS:
            end = chance.randint(1, len(held) - 1) if len(held) > 1 else 1
            first = [id for sentence in held[:end] for id in sentence]
            second: list[int] = []
            is_random = len(held) == 1 or chance.random() < 0.5
            if is_random:
                other = documents[(place + 1 + chance.randrange(max(len(documents) - 1, 1))) % len(documents)]
                for sentence in other[chance.randrange(len(other)) if other else 0 :]:
                    second += sentence
                    if len(second) >= TARGET_TOKENS - len(first):
                        break
                number -= len(held) - end
            else:
                second = [id for sentence in held[end:] for id in sentence]
            _cut(first, second)
            if first and second:
                yield first, second, is_random
            held, size = [], 0
        number += 1


def _cut(first: list[int], second: list[int]) -> None:
    over = len(first) + len(second) - TARGET_TOKENS
    while over > 0:
        longer = first if len(first) > len(second) else second
        longer.pop()
        over -= 1


def _report(timings: dict[str, Timing], megabytes: float) -> Iterator[dict[str, object]]:
    print(f"{'contestant':32} {'MB/s':>6}  times as fast as datasets.map, {megabytes:.1f} MB")
    for name, timing in timings.items():
        speed = megabytes / timing.median
        ratios = ratio(timings["datasets.map"], timing) if len(timing.seconds) > 1 else (1.0, 1.0, 1.0)
        print(f"{name:32} {speed:6.2f}  {ratios[0]:.2f} ({ratios[1]:.2f} to {ratios[2]:.2f})", flush=True)
        yield {
            "contestant": name,
            "megabytes": round(megabytes, 1),
            "median_seconds": round(statistics.median(timing.seconds), 2),
            "megabytes_per_second": round(speed, 2),
            "ratio": round(ratios[0], 2),
        }


def _memory(files: list[str], vocab: str, place: Path) -> dict[str, float]:
    """Peak of the resident memory of the command and its processes, added up; shared pages count in each."""
    process = start(files, vocab, place)
    peak = [0.0]
    watcher = threading.Thread(target=_watch, args=(process, peak))
    watcher.start()
    began = time.perf_counter()
    if process.wait():
        raise SystemExit("bertkit prepare failed")
    watcher.join()
    print(f"{len(files):3} files: peak {peak[0]:.0f} MiB, {time.perf_counter() - began:.1f} s", flush=True)
    return {"files": len(files), "peak_mib": round(peak[0])}


def _watch(process: subprocess.Popen[bytes], peak: list[float]) -> None:
    while process.poll() is None:
        peak[0] = max(peak[0], _tree_mib(process.pid))
        time.sleep(0.1)


def _tree_mib(root: int) -> float:
    parents, sizes = {}, {}
    for place in Path("/proc").glob("[0-9]*"):
        try:
            fields = (place / "stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue  # it has ended
        parents[int(place.name)] = int(fields[1])
        sizes[int(place.name)] = int(fields[21]) * os.sysconf("SC_PAGE_SIZE") / 2**20
    tree = {root}
    for pid in sorted(parents):
        if parents[pid] in tree:
            tree.add(pid)
    return sum(sizes.get(pid, 0.0) for pid in tree)


if __name__ == "__main__":
    main()
