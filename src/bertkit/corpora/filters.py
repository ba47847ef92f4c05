"""Which documents are worth training on: rules on length, words and lines, each with a threshold.

| threshold                      | a document is left out when                                  | reason               |
| ------------------------------ | ------------------------------------------------------------ | -------------------- |
| `min_characters`               | it has fewer characters                                      | too_short            |
| `max_symbols_per_word`         | it has more of "#", "..." and "…" a word              | many_symbols         |
| `min_mean_word_characters`     | its words are shorter than this in the mean                  | short_words          |
| `max_mean_word_characters`     | its words are longer than this in the mean                   | long_words           |
| `min_alphabetic_words`         | a smaller share of its words has a letter in it              | few_alphabetic_words |
| `max_bullet_lines`             | a greater share of its lines begins with a bullet            | many_bullet_lines    |
| `max_ellipsis_lines`           | a greater share of its lines ends with an ellipsis           | many_ellipsis_lines  |
| `max_repeated_lines`           | a greater share of its lines is one that stood before        | repeated_lines       |
| `max_repeated_line_characters` | these lines have a greater share of its characters           | repeated_lines       |

The least length, 300 characters, is what keeps stubs and lists of links out of Wikipedia. All other rules and their
thresholds are those of Gopher (Rae et al. 2021, appendix A.1, "quality filtering" and "repetition removal"), but for
Gopher's rules on English stop words and on repeated n-grams, which this does not have. Words are what white space sets
apart, punctuation included.

Scripts without spaces between words (Chinese, Japanese, Thai, Khmer …) and Korean, whose words have few characters,
break the four rules on words whatever the text is like: a document that breaks one passes nevertheless when a tenth of
its characters is of such scripts. The rules on lines and length are asked of every text.
"""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import Field

from bertkit.config.strict import Strict
from bertkit.corpora.scripts import dense_share

Share = Annotated[float, Field(ge=0.0, le=1.0)]
Number = Annotated[float, Field(ge=0.0)]

_DENSE = 0.1
_LETTER = re.compile(r"[^\W\d_]")
_BULLETS = ("•", "‣", "▪", "●", "◦", "∙", "·", "*", "- ", "– ", "— ")  # noqa: RUF001 - dashes
_ELLIPSES = ("...", "…")


class Filters(Strict):
    """Thresholds, as the module's table has them; None switches a rule off."""

    min_characters: Annotated[int, Field(ge=0)] | None = 300
    max_symbols_per_word: Number | None = 0.1
    min_mean_word_characters: Number | None = 3.0
    max_mean_word_characters: Number | None = 10.0
    min_alphabetic_words: Share | None = 0.8
    max_bullet_lines: Share | None = 0.9
    max_ellipsis_lines: Share | None = 0.3
    max_repeated_lines: Share | None = 0.3
    max_repeated_line_characters: Share | None = 0.2

    def reason(self, text: str) -> str | None:
        """The name of the first rule that a text breaks, None for a text to keep."""
        if self.min_characters is not None and len(text) < self.min_characters:
            return "too_short"
        broken = self._broken_by_lines(text)
        if broken is None:
            broken = self._broken_by_words(text)
            if broken is not None and dense_share(text) >= _DENSE:
                return None
        return broken

    def _broken_by_words(self, text: str) -> str | None:
        words = text.split()
        count = max(len(words), 1)
        if self.max_symbols_per_word is not None:
            symbols = text.count("#") + sum(map(text.count, _ELLIPSES))
            if symbols / count > self.max_symbols_per_word:
                return "many_symbols"
        mean = sum(map(len, words)) / count
        if self.min_mean_word_characters is not None and mean < self.min_mean_word_characters:
            return "short_words"
        if self.max_mean_word_characters is not None and mean > self.max_mean_word_characters:
            return "long_words"
        if self.min_alphabetic_words is not None and _lacks_letters(words, self.min_alphabetic_words * count):
            return "few_alphabetic_words"
        return None

    def _broken_by_lines(self, text: str) -> str | None:
        lines = [line for line in map(str.strip, text.split("\n")) if line]
        count = max(len(lines), 1)
        if self.max_bullet_lines is not None:
            bullets = sum(line.startswith(_BULLETS) for line in lines)
            if bullets / count > self.max_bullet_lines:
                return "many_bullet_lines"
        if self.max_ellipsis_lines is not None:
            ellipses = sum(line.endswith(_ELLIPSES) for line in lines)
            if ellipses / count > self.max_ellipsis_lines:
                return "many_ellipsis_lines"
        different = set(lines)
        if len(different) == len(lines):
            return None
        if self.max_repeated_lines is not None and 1 - len(different) / count > self.max_repeated_lines:
            return "repeated_lines"
        if self.max_repeated_line_characters is not None:
            share = 1 - sum(map(len, different)) / sum(map(len, lines))
            if share > self.max_repeated_line_characters:
                return "repeated_lines"
        return None


def _lacks_letters(words: list[str], least: float) -> bool:
    """Whether fewer than `least` words have a letter. Most words are letters only, which is asked first."""
    if sum(map(str.isalpha, words)) >= least:
        return False
    return sum(word.isalpha() or _LETTER.search(word) is not None for word in words) < least
