"""Labels of texts, as a classifier of scikit-learn."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
import numpy.typing as npt
from sklearn.base import ClassifierMixin
from sklearn.utils import Tags, check_consistent_length
from sklearn.utils.multiclass import check_classification_targets, type_of_target

from bertkit.sklearn.text_input import fields_of_rows, rows_of
from bertkit.sklearn.tuning import Tuned

LIKELY = 0.5  # from this probability a label of several is given


class TextClassifier(ClassifierMixin, Tuned):  # type: ignore[misc]
    """A model that learns the labels of texts, or of pairs of texts. Its parameters are those of `Tuned`.

    Attributes:
        classes_: the labels, sorted, once fitted; of several labels a text, the columns of `y`.
    """

    def fit(self, X: Any, y: Any) -> Self:
        """Fine-tunes a model. A tenth of the texts is held out, by which the best checkpoint is chosen.

        Args:
            X: texts, or pairs of them as tuples: a list, an array, a column.
            y: a label each; or, of several labels a text, an array of 0 and 1 with a column a label.

        Raises:
            InputError: a row cannot be learnt from; it is named.
            BertkitError: each subclass says what is wrong and what to do.
        """
        rows = fields_of_rows(X)
        check_consistent_length(rows, y)
        check_classification_targets(y)
        several = type_of_target(y) == "multilabel-indicator"
        if several:
            chosen_NC = np.asarray(y.todense() if hasattr(y, "todense") else y) != 0
            self.classes_ = np.arange(chosen_NC.shape[1])
            labels: list[Any] = [[str(place) for place in np.flatnonzero(row_C)] for row_C in chosen_NC]
        else:
            self.classes_, places_N = np.unique(np.asarray(y), return_inverse=True)
            names = [str(label) for label in self.classes_.tolist()]
            labels = [names[place] for place in places_N]
        self.several_ = several
        learnt = [{**fields, "label": label} for fields, label in zip(rows, labels, strict=True)]
        self._learn("text-classification", learnt, problem="multi-label" if several else "single-label")
        return self

    def predict_proba(self, X: Any) -> npt.NDArray[np.float64]:
        """The probability of each label, (N, C), in the order of `classes_`; of several labels each has its own.

        Raises:
            NotFittedError: `fit` was not called.
            InputError: a row is no text; it is named.
        """
        model = self._ready()
        found_NC = model.predict_proba(rows_of(X))
        places = {label: place for place, label in enumerate(model.labels)}
        scores_NC = np.zeros((len(found_NC), len(self.classes_)))  # 0 for a label that no text had
        for column, label in enumerate(map(str, self.classes_.tolist())):
            if label in places:
                scores_NC[:, column] = found_NC[:, places[label]]
        return scores_NC

    def predict(self, X: Any) -> npt.NDArray[Any]:
        """The likeliest label of each text; of several labels an array of 0 and 1 with a column a label."""
        scores_NC = self.predict_proba(X)
        if self.several_:
            return (scores_NC >= LIKELY).astype(int)
        return self.classes_[scores_NC.argmax(axis=1)]  # type: ignore[no-any-return]

    def __sklearn_tags__(self) -> Tags:
        """Also classifies with several labels a text."""
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        return tags
