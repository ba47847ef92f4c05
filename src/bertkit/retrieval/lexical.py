"""Passages that share words with a query, in the order of BM25 (Robertson and Zaragoza 2009): SQLite's FTS5 counts.

Words that are in every fourth passage say little and cost most, so they are left out where there are others.
"""

from __future__ import annotations

import re
from sqlite3 import Connection

_WORD = re.compile(r"\w+")
COMMON = 0.25  # of all passages
FEW = 1_000  # in so many a word is looked for, however many passages there are
MOST = 200_000  # passages that are scored at once, the rarest words' first


def matching(connection: Connection, query: str, passages: int) -> str:
    """What FTS5 is asked for; empty where nothing of the query is in any passage.

    Args:
        passages: how many there are.
    """
    counts: dict[str, int] = {}
    for word in dict.fromkeys(_WORD.findall(query.casefold())):
        count = connection.execute("SELECT count(*) FROM words WHERE words MATCH ?", (f'"{word}"',)).fetchone()[0]
        if count:
            counts[word] = count
    rarest = sorted(counts, key=lambda word: counts[word])
    kept, scored = rarest[:1], counts[rarest[0]] if rarest else 0
    for word in rarest[1:]:
        scored += counts[word]
        if counts[word] > max(FEW, COMMON * passages) or scored > MOST:
            break
        kept.append(word)
    return " OR ".join(f'"{word}"' for word in kept)
