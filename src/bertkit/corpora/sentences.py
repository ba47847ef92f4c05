"""Text to sentences by rules: one pattern finds where a sentence may end, a cheap check decides.

A sentence ends

* at every line end;
* after `. ! ? …`, with the closing quotes and brackets behind it, when white space follows and then a word that may
  begin a sentence: a capital, a digit, a letter of a script without capitals, an opening quote or bracket;
* after the full stops of scripts that write no space behind them (`。！？।` …), unless a particle goes on after a
  closing bracket, as Japanese quotes do.

A single "." does not end one after a title ("Mr."), an initial ("J. Smith"), an abbreviation before a number ("No. 5",
"Jan. 3") or one that seldom ends a sentence ("e.g."); after those that may ("U.S.", "etc.", "Inc.", "World War I.") it
does when a common first word of an English sentence follows. Abbreviations are mostly English; in other languages that
use "." their own are missed, which costs a cut too many.
"""

# ruff: noqa: RUF001, RUF002 - full stops and brackets of many scripts

from __future__ import annotations

import re

_HARD = "。｡！？‼⁇⁈⁉।॥۔؟።။។։"
_CLOSING = "\"'”’»)\\]」』）》】〉］｝"
_OPENING = "\"'“‘«‹„([{「『（《【〈［｛"
_BEGINS_TOO = frozenset(_OPENING + "$€£¥¿¡•§#@")
# The common first set lets the search skip quickly to the next candidate; what it may be is decided behind it. A run of
# full stops is looked at once, from its first: a line of a million dots must not take a million looks at each.
_CANDIDATE = re.compile(
    rf"[\n.!?…{_HARD}](?:(?<=\n)|(?<=[{_HARD}])[{_HARD}.…]*[{_CLOSING}]*"
    rf"|(?<![.!?…].)[.!?…]*+(?:[{_CLOSING}]|\[\d+\])*+[^\S\n]++(?=[^a-z\s,;:]))"
)
_WORD_BEFORE = re.compile(r"[^\s\"'“”‘’«»()\[\]{}/–—-]*$")
_LONGEST_WORD = 16  # characters looked at before a full stop: longer words are no abbreviations
_PARTICLES = frozenset("とはがをにでのもや、，,")

# Whatever follows, these do not end a sentence.
_NEVER = frozenset(
    "mr mrs ms mx dr prof rev hon st ste mt ft messrs mme mlle gen col maj capt cpt lt cmdr adm sgt cpl pvt brig sen"
    " rep gov pres supt insp fr bros e.g i.e eg ie viz cf vs v c ca approx incl esp spec"
    " hrsg bzw z.b d.h u.a vgl nr bd abs".split()
)
# These do not before a digit.
_BEFORE_NUMBER = frozenset(
    "no nos pp p vol vols fig figs sec sect art arts ch chap op ed eq pt par para ref refs ver rs tel ext"
    " jan feb mar apr jun jul aug sep sept oct nov dec".split()
)
# These do before a common first word.
_SELDOM = frozenset(
    "al etc inc ltd co corp jr sr bro est dept univ assn ave blvd rd sq ph.d b.a m.a a.m p.m b.c a.d u.s u.k".split()
)
_FIRST_WORDS = frozenset(
    "The It He She They We You This That These Those There His Her Its Their In On At As After Although An And Another"
    " Because Before Between But By During Each For From However If Many Most On One Other Since So Some Such Then"
    " Though Through To Today Under Until Upon What When Where Whether Which While Who With Within".split()
)
_NEXT_WORD = re.compile(r"[^\W\d_]+(?![.\w])")


def split_sentences(text: str) -> list[str]:
    """The sentences of a text, in order, stripped, none empty. Nothing is lost but white space."""
    sentences: list[str] = []
    began = 0
    for found in _CANDIDATE.finditer(text):
        first, end = text[found.start()], found.end()
        if first == "\n" or _ends(text, began, found.start(), end):
            sentence = text[began:end].strip()
            if sentence:
                sentences.append(sentence)
            began = end
    rest = text[began:].strip()
    if rest:
        sentences.append(rest)
    return sentences


def _ends(text: str, began: int, stop: int, end: int) -> bool:
    """Whether the sentence that began at `began` ends with the candidate `text[stop:end]`."""
    following = text[end : end + 1]
    if text[stop] in _HARD:
        return not (following in _PARTICLES and text[end - 1] in _CLOSING)
    if not (following.isalnum() and not following.islower()) and following not in _BEGINS_TOO:
        return False
    if text[stop] != "." or not text[stop + 1].isspace():
        return True
    return _full_stop_ends(text, began, stop, end)


def _full_stop_ends(text: str, began: int, stop: int, end: int) -> bool:
    """Whether a single "." ends the sentence: what the word before it and the one after it say."""
    found = _WORD_BEFORE.search(text, max(began, stop - _LONGEST_WORD), stop)
    word = found[0] if found else ""
    if len(word) > 6 and "." not in word:
        return True  # most words, at the least cost
    lowered = word.lower()
    is_initial = len(word) == 1 and (word.isupper() or not word.isascii())
    if lowered in _NEVER and not is_initial:
        return False
    if lowered in _BEFORE_NUMBER:
        return not text[end].isdigit()
    if word.isdecimal():
        return bool(text[began : stop - len(word)].strip())  # "1." alone at the beginning counts an item of a list
    if is_initial or lowered in _SELDOM or _is_acronym(word):
        following = _NEXT_WORD.match(text, end)
        return following is not None and following[0] in _FIRST_WORDS
    return True


def _is_acronym(word: str) -> bool:
    return len(word) > 2 and word[1::2].strip(".") == "" and word[0::2].isalpha()
