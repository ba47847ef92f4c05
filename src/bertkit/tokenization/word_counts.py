"""How often each word stands in a corpus, words being what BERT's own tokenizer cuts into pieces.

The corpus comes as chunks of text. Each is counted for itself, by as many processes as wanted, and the counts are
added up in the order of the chunks: the result, the order of its words included, depends on the chunks alone.

Memory is bounded: when more than `MOST_WORDS` different words have been seen, the rarest are forgotten: those seen
once, then those seen twice, and so on until at most half of `MOST_WORDS` are left. A forgotten word that comes again
starts at zero, so its count is too low by at most the number at which it was forgotten.
"""

from __future__ import annotations

import signal
from collections import Counter, deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import contextmanager
from functools import lru_cache, partial
from itertools import chain, islice
from multiprocessing import get_context

from tokenizers import normalizers, pre_tokenizers

from bertkit.tokenization.wordpiece import LONGEST_WORD

MOST_WORDS = 1_000_000  # about 0.2 GB while counting, 1.3 GB while merging
CHUNK_CHARACTERS = 4_000_000


def chunks_of(lines: Iterable[str], characters: int = CHUNK_CHARACTERS) -> Iterator[str]:
    """Lines put together to chunks of at least so many characters, the last one shorter."""
    held: list[str] = []
    size = 0
    for line in lines:
        held.append(line)
        size += len(line) + 1
        if size >= characters:
            yield "\n".join(held)
            held, size = [], 0
    if held:
        yield "\n".join(held)


def count_words(
    chunks: Iterable[str], *, cased: bool, processes: int = 1, most_words: int = MOST_WORDS
) -> dict[str, int]:
    """The number of times that each word stands in the chunks.

    Words of more than 100 characters are left out: BERT's tokenizer never cuts them into pieces.

    Args:
        chunks: pieces of the corpus, some megabytes each; no word goes from one to the next.
        cased: keep letter case and accents.
        processes: how many count at the same time. They are started afresh, so a script that calls this with more
            than one needs the usual `if __name__ == "__main__"`.
        most_words: the bound on different words, see above.
    """
    total: dict[str, int] = {}
    for counted in _in_order(chunks, cased, processes):
        for word, count in counted.items():
            total[word] = total.get(word, 0) + count
        if len(total) > most_words:
            total = _without_rare(total, most_words // 2)
    return total


def count_chunk(text: str, *, cased: bool) -> dict[str, int]:
    """The number of times that each word stands in one text, in the order of their first standing there.

    Normalisation and splitting look at single characters, so a run between spaces can be treated once for all times
    that it occurs; most runs of a natural text occur often.
    """
    normalizer, pre_tokenizer = _rules(cased)
    counts: dict[str, int] = {}
    for run, count in Counter(text.replace("\n", " ").split(" ")).items():
        for word, _ in pre_tokenizer.pre_tokenize_str(normalizer.normalize_str(run)):
            if len(word) <= LONGEST_WORD:
                counts[word] = counts.get(word, 0) + count
    return counts


@lru_cache(maxsize=2)
def _rules(cased: bool) -> tuple[normalizers.Normalizer, pre_tokenizers.PreTokenizer]:
    """Those of `wordpiece.py`; accents go with the letter case."""
    return normalizers.BertNormalizer(lowercase=not cased), pre_tokenizers.BertPreTokenizer()


def _in_order(chunks: Iterable[str], cased: bool, processes: int) -> Iterator[dict[str, int]]:
    """The counts of each chunk, in the order of the chunks; at most two chunks a process are held at a time."""
    count = partial(count_chunk, cased=cased)
    chunks = iter(chunks)
    first = list(islice(chunks, 2))
    chunks = chain(first, chunks)
    if processes == 1 or len(first) < 2:
        yield from map(count, chunks)
        return
    pool = ProcessPoolExecutor(processes, get_context("spawn"))
    waiting: deque[Future[dict[str, int]]] = deque()
    try:
        for chunk in chunks:
            with _without_interrupts():  # the call may start a process, which inherits it: Ctrl-C is our affair
                waiting.append(pool.submit(count, chunk))
            if len(waiting) == 2 * processes:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        pool.shutdown(cancel_futures=True)


@contextmanager
def _without_interrupts() -> Iterator[None]:
    """Ctrl-C waits until the block has ended."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _without_rare(counts: dict[str, int], most: int) -> dict[str, int]:
    rarity = 0
    while len(counts) > most:
        rarity += 1
        counts = {word: count for word, count in counts.items() if count > rarity}
    return counts
