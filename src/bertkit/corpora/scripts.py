"""Scripts that do not set words apart with spaces, or whose words are a few characters long."""

from __future__ import annotations

import re

# Thai, Lao, Tibetan, Burmese, Hangul letters, Khmer, kana, ideographs, Hangul syllables; then the higher ideographs.
_RANGES = (
    "\u0e00-\u0eff\u0f00-\u0fff\u1000-\u109f\u1100-\u11ff\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uac00-\ud7ff\uf900-\ufaff"
    "\U00020000-\U0003ffff"
)
_RUN = re.compile(f"[{_RANGES}]+")
_ONE = re.compile(f"[{_RANGES}]")


# The first bytes that their characters have in UTF-8 (some other scripts share them), and all other bytes.
_FIRST_BYTES = {0xE0, 0xE1, *range(0xE3, 0xEE), 0xEF, 0xF0}
_OTHER_BYTES = bytes(set(range(256)) - _FIRST_BYTES)


def may_have_dense(raw: bytes) -> bool:
    """Whether UTF-8 may have characters of these scripts: much faster than looking, and False for most Latin text."""
    return bool(raw.translate(None, _OTHER_BYTES))


def spaced(text: str) -> str:
    """The text with each character of these scripts as a word of its own."""
    return _ONE.sub(r" \g<0> ", text)


def dense_share(text: str) -> float:
    """The share of the characters that are of these scripts, 0 to 1."""
    if text.isascii():
        return 0.0
    return 1.0 - len(_RUN.sub("", text)) / len(text)
