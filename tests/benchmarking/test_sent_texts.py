from __future__ import annotations

import statistics

from bertkit.benchmarking.sent_texts import mixed_texts


def test_most_are_short_and_some_are_long() -> None:
    texts = mixed_texts(500)
    lengths = [len(text.split()) for text in texts]
    assert (min(lengths), max(lengths)) == (6, 254)
    assert 30 < statistics.median(lengths) < 50 < statistics.mean(lengths) < 65
    assert len(set(texts)) == 500
    assert mixed_texts(500) == texts != mixed_texts(500, seed=1)
