"""Scores by the length of the text, in groups of about as many examples: are long texts answered worse?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter
from typing import Literal

from bertkit.metrics.error_analysis import AnalysedExample

PARTS = 8


@dataclass(frozen=True, slots=True)
class LengthBin:
    """Examples of about the same length.

    Attributes:
        shortest, longest: of them.
        length, error: their means.
    """

    shortest: int
    longest: int
    length: float
    error: float
    examples: int


@dataclass(frozen=True, slots=True)
class Lengths:
    """Length against error.

    Attributes:
        unit: what lengths are counted in: tokens where every record says how many there were, else words.
        parts: ascending.
    """

    unit: Literal["tokens", "words"]
    parts: tuple[LengthBin, ...]


def by_length(analysed: Sequence[AnalysedExample], parts: int = PARTS) -> Lengths:
    """Divides examples so that the parts are about equal, and equal lengths are together."""
    tokens = [one.tokens for one in analysed if one.tokens is not None]
    unit: Literal["tokens", "words"] = "tokens" if len(tokens) == len(analysed) else "words"
    lengths = tokens if unit == "tokens" else [one.words for one in analysed]
    ordered = sorted(zip(lengths, (one.error for one in analysed), strict=True))
    found: list[list[tuple[int, float]]] = [[]]
    for _, same in groupby(ordered, itemgetter(0)):
        if len(found[-1]) * parts >= len(analysed):
            found.append([])
        found[-1] += same
    if len(found) > 1 and 2 * len(found[-1]) * parts < len(analysed):
        found[-2:] = [found[-2] + found[-1]]  # the last few say too little by themselves
    return Lengths(unit, tuple(map(_part, found)))


def _part(pairs: Sequence[tuple[int, float]]) -> LengthBin:
    lengths, errors = zip(*pairs, strict=True)
    return LengthBin(lengths[0], lengths[-1], sum(lengths) / len(pairs), sum(errors) / len(pairs), len(pairs))
