"""Texts for a server to be asked with, where nobody gives any: of lengths as real texts have."""

from __future__ import annotations

import random

from bertkit.benchmarking.cells import MIXED_LONGEST, MIXED_MU, MIXED_SHORTEST, MIXED_SIGMA

# Short and common, so that for most vocabularies each is about a token.
WORDS = (
    "the of and to in is was for on that with as by at from his it an were are which this also be had first one their "
    "its new after but who not they have her she two been other when there all during into school time may years more "
    "most only over city some world would where later up such used many can state about national out known university "
    "united then made under between film people team season year book house water music river second part long"
).split()
SPECIAL = 2  # tokens around a text


def mixed_texts(count: int, seed: int = 0) -> list[str]:
    """Texts of about 8 to 256 tokens, two special ones included, log-normal: most are short, and no two are alike."""
    chance = random.Random(seed)
    lengths = (round(chance.lognormvariate(MIXED_MU, MIXED_SIGMA)) for _ in range(count))
    words = (min(MIXED_LONGEST, max(MIXED_SHORTEST, one)) - SPECIAL for one in lengths)
    return [" ".join(chance.choices(WORDS, k=one)) for one in words]
