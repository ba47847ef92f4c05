"""Which texts of a set of pairs are equal, and which belong together, so that none of these is taken for a negative."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable


def folded(text: str) -> str:
    """A text with letter case and white space put aside, in which alone the same text may differ."""
    return " ".join(text.casefold().split())


class PairTexts:
    """Numbers for the texts of pairs, the same for the same text; pairs may share texts.

    Args:
        pairs: each two texts that belong together.
    """

    def __init__(self, pairs: Iterable[tuple[str, str]]) -> None:
        self._numbers: dict[str, int] = {}
        self._together: dict[int, set[int]] = defaultdict(set)
        for texts in pairs:
            numbers = set(map(self.number, texts))
            for number in numbers:
                self._together[number] |= numbers

    def number(self, text: str) -> int:
        """The number of a text; a text that is new gets the next one."""
        return self._numbers.setdefault(folded(text), len(self._numbers))

    def together(self, text: str) -> list[int]:
        """The texts that stand beside this one in some pair, and itself; ascending."""
        number = self.number(text)
        return sorted(self._together.get(number, set()) | {number})
