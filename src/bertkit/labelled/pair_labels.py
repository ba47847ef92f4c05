"""Labels of pairs of texts, which say whether the two belong together, as scores that the cosine of the two learns."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import replace

from bertkit.errors import InputError
from bertkit.formats.notes import Note, listed
from bertkit.labelled.examples import Example
from bertkit.labelled.label_set import labels_in
from bertkit.labelled.label_values import number_in

# Columns of public sets of pairs (SNLI, SICK, Quora, MRPC, PAWS and their kin) that say it.
JUDGEMENTS = (
    *("labels", "target", "class", "gold", "gold_label", "entailment_judgment", "judgment", "judgement"),
    *("entailment", "is_duplicate", "isduplicate", "duplicate", "is_paraphrase", "paraphrase", "is_similar", "similar"),
    *("is_match", "match", "is_same", "same", "quality", "relation", "relationship", "relevant", "is_relevant"),
)
TOGETHER = frozenset(
    "1 true yes y t entailment entails entailed entail duplicate duplicates paraphrase paraphrases equivalent similar "
    "same match matches matched relevant positive related".split()
)
APART = frozenset(
    "0 -1 false no n f contradiction contradicts contradict unrelated different dissimilar irrelevant mismatch "
    "negative neutral".split()
)
NEUTRAL = 0.5  # between entailment and contradiction, as in the pairs with scores that are made of SNLI and MultiNLI
_NOT = re.compile(r"(not|non|no|un)_")
_BETWEEN = re.compile(r"(?<=\w)[\s_-]+(?=\w)")
_REMEDY = (
    "Write 1 for pairs that belong together, 0 for others, or leave them out; if more is more alike, name it score."
)


def labels_as_scores(
    examples: Sequence[Example], column: str, name: str, note: Note, *, counted: bool
) -> Sequence[Example]:
    """The same pairs, each with a score from 0 to 1, or the number that is one already; none where all belong together.

    Args:
        examples: their targets are the labels as the file has them.
        column: how the file calls the field.
        name: how messages call the file.
        counted: whether 1 says that two texts belong together, and not that they are of a class with this number.

    Raises:
        InputError: it is not known what a label says.
    """
    counts = Counter(label for one in examples for label in labels_in(one.target))
    if all(number_in(label) is not None for label in counts):
        if not _is_plain(counts):
            _check_scale(counts, column, name, counted)
            return [replace(one, target=float(str(one.target))) for one in examples]
        if not counted:
            raise _unknown(counts, column, name)
    scores = {label: _score(label, counts) for label in counts}
    if None in scores.values():
        raise _unknown([label for label in counts if scores[label] is None], column, name)
    if set(scores.values()) == {1.0}:
        note(f"{name}: by the field {column!r} all pairs belong together")
        return [replace(one, target=None) for one in examples]
    said = "; ".join(f"{label!r} ({counts[label]:,} pairs) as {scores[label]:g}" for label in sorted(counts))
    note(f"{name}: the field {column!r} says which pairs belong together: the cosine learns {said}")
    return [replace(one, target=scores[str(one.target)]) for one in examples]


def tells_apart(values: Collection[str]) -> bool:
    """Whether values say of some pairs that they belong together, of others that they do not."""
    found = [_says(value) for value in values]
    return True in found and False in found and None not in found


def _is_plain(labels: Collection[str]) -> bool:
    """1 and 0, or 1 and -1, however they are written."""
    return {number_in(label) for label in labels} <= {0.0, 1.0} or {number_in(label) for label in labels} == {-1.0, 1.0}


def _check_scale(labels: Collection[str], column: str, name: str, counted: bool) -> None:
    """Few whole numbers may count classes; then more is not more alike."""
    whole = all((number_in(label) or 0.0).is_integer() for label in labels)
    if whole and (len(labels) < 4 or not counted):
        raise _unknown(labels, column, name)


def _unknown(labels: Collection[str], column: str, name: str) -> InputError:
    shown = listed(sorted(labels))
    return InputError(f"{name}: whether two texts belong together is not known of {column!r} = {shown}", _REMEDY)


def _score(label: str, all_labels: Collection[str]) -> float | None:
    says = _says(label)
    if says is None:
        return None
    graded = label.casefold() == "neutral" and any(one.casefold().startswith("contradict") for one in all_labels)
    return NEUTRAL if graded else float(says)


def _says(label: str) -> bool | None:
    """Whether a word or a number says that two texts belong together; None where it says nothing of it."""
    number = number_in(label)
    word = _BETWEEN.sub("_", label.strip().casefold()) if number is None else f"{number:g}"
    if word in TOGETHER or word in APART:
        return word in TOGETHER
    rest = _NOT.sub("", word)
    return False if rest != word and rest in TOGETHER else None
