"""A tag for each word, as an estimator in the way of scikit-learn."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Self

import numpy as np
from sklearn.utils import check_consistent_length

from bertkit.errors import InputError
from bertkit.formats.row import Row
from bertkit.labelled.conll import spans_of
from bertkit.metrics.entity_scores import count_entities
from bertkit.metrics.results import Prediction, entities
from bertkit.metrics.word_tags import as_iob2, tags_of_words
from bertkit.sklearn.text_input import rows_of
from bertkit.sklearn.tuning import Tuned
from bertkit.tasks.entities import group, read_tags
from bertkit.tasks.tag_scheme import OUTSIDE, is_outside

# The places of a word in its entity, by the letters of the schemes, what says the most first.
ALONE, FIRST, BETWEEN, LAST = "SUWBI", "BI", "IM", "ELIM"


class TokenTagger(Tuned):
    """A model that learns the tags of words, such as `B-PER`, `I-PER` and `O`. Its parameters are those of `Tuned`.

    Attributes:
        classes_: the tags, sorted, once fitted.
    """

    def fit(self, X: Any, y: Any) -> Self:
        """Fine-tunes a model. A tenth of the sentences is held out, by which the best checkpoint is chosen.

        Args:
            X: sentences, a list of words each.
            y: the tag of each word, a list each.

        Raises:
            InputError: a sentence cannot be learnt from; it is named.
            BertkitError: each subclass says what is wrong and what to do.
        """
        sentences, tags = lists_of(X, "words"), lists_of(y, "tags")
        check_consistent_length(sentences, tags)
        self.classes_ = np.unique([tag for own in tags for tag in own])
        rows = [{"tokens": words, "tags": own} for words, own in zip(sentences, tags, strict=True)]
        self._learn("token-classification", rows)
        return self

    def predict(self, X: Any) -> list[list[str]]:
        """The tag of each word, in the scheme of the tags that were learnt.

        Raises:
            NotFittedError: `fit` was not called.
            InputError: a sentence is no list of words; it is named.
        """
        model = self._ready()
        sentences, scheme = lists_of(X, "words"), Scheme(self.classes_.tolist())
        rows = [Row({"text": " ".join(words)}, f"row {n}") for n, words in enumerate(sentences, 1) if words]
        answers = iter(model.stream(rows))
        found = []
        for words in sentences:
            spoken = entities(Prediction(next(answers).record(), "")) if words else []
            found.append(scheme.written(tags_of_words(spans_of(words), spoken)))
        return found

    def score(self, X: Any, y: Any) -> float:
        """F1 of the entities that the tags say, all types together, in [0, 1]."""
        found, right, names = self.predict(X), lists_of(y, "tags"), self.classes_.tolist()
        return count_entities(as_iob2(right, names), as_iob2(found, names)).scores()["entity_f1"]


class Scheme:
    """How a set of tags says where an entity begins, goes on and ends.

    Args:
        tags: all of the set.
    """

    def __init__(self, tags: Sequence[str]) -> None:
        self._outside = next(filter(is_outside, tags), OUTSIDE)
        self._tags = {tag: name for name, tag in zip(tags, read_tags(tags), strict=True) if tag is not None}

    def written(self, iob2: Sequence[str]) -> list[str]:
        """The same entities in this scheme."""
        found = [self._outside] * len(iob2)
        for type, start, stop in group(read_tags(iob2)):
            places = [FIRST, *[BETWEEN] * (stop - start - 2), LAST] if stop - start > 1 else [ALONE]
            for word, wanted in zip(range(start, stop), places, strict=True):
                found[word] = self._tag(wanted, type)
        return found

    def _tag(self, places: str, type: str) -> str:
        """The tag of the first of some places that this scheme has, else any of the type."""
        for place in places:
            for tag, name in self._tags.items():
                if tag == (place, type):
                    return name
        return next(name for tag, name in self._tags.items() if tag.type == type)


def lists_of(given: Any, what: str) -> list[list[str]]:
    """The words, or the tags, of each sentence.

    Raises:
        InputError: a sentence is no list of texts; it is named.
    """
    rows = given.tolist() if isinstance(given, np.ndarray) else rows_of(given)
    return [_strings(one, f"row {number}", what) for number, one in enumerate(rows, 1)]


def _strings(given: object, place: str, what: str) -> list[str]:
    if isinstance(given, str) or not isinstance(given, Iterable):
        raise InputError(f"{place}: of type {type(given).__name__}, not a list of {what}", f"Give each its {what}.")
    found = list(given)
    wrong = next((one for one in found if not isinstance(one, str)), None)
    if wrong is not None:
        raise InputError(f"{place}: {wrong!r} is no text", f"Give the {what} as strings.")
    return [str(one) for one in found]
