"""How often each word stands in a corpus, words being what BERT's own tokenizer cuts into pieces.

The corpus comes as chunks of text. Each is counted for itself, by as many processes as wanted, and the counts are
added up in the order of the chunks: the result, the order of its words included, depends on the chunks alone.

Memory is bounded: when more than `MOST_WORDS` different words have been seen, the rarest are forgotten: those seen
once, then those seen twice, and so on until at most half of `MOST_WORDS` are left. A forgotten word that comes again
starts at zero, so its count is too low by at most the number at which it was forgotten.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache, partial

from tokenizers import normalizers, pre_tokenizers

from bertkit.tokenization.in_order import map_in_order
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
    for counted in map_in_order(partial(_counter, cased), chunks, processes):
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


def _counter(cased: bool) -> Callable[[str], dict[str, int]]:
    return partial(count_chunk, cased=cased)


@lru_cache(maxsize=2)
def _rules(cased: bool) -> tuple[normalizers.Normalizer, pre_tokenizers.PreTokenizer]:
    """Those of `wordpiece.py`; accents go with the letter case."""
    return normalizers.BertNormalizer(lowercase=not cased), pre_tokenizers.BertPreTokenizer()


def _without_rare(counts: dict[str, int], most: int) -> dict[str, int]:
    rarity = 0
    while len(counts) > most:
        rarity += 1
        counts = {word: count for word, count in counts.items() if count > rarity}
    return counts
