"""From the inputs that scikit-learn gives an estimator (lists, arrays, columns, tables) to rows of texts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from sklearn.utils import Tags

from bertkit.errors import InputError
from bertkit.formats.python_rows import each_row, fields_of, is_one_row

FIELDS = ("text", "text_pair")


def rows_of(X: Any) -> list[Any]:
    """The rows of a list, an array, a column or a table. Of an array of two axes, each row is a text or a pair.

    Raises:
        InputError: it is one text, not several.
    """
    if is_one_row(X):
        raise InputError(f"X is of type {type(X).__name__}, not several texts", "Give a list of texts.")
    if isinstance(X, np.ndarray) and X.ndim == 2:
        return X[:, 0].tolist() if X.shape[1] == 1 else [tuple(row) for row in X.tolist()]
    return [*each_row(X)]


def fields_of_rows(X: Any) -> list[Mapping[str, object]]:
    """Each row's texts by the names of their fields.

    Raises:
        InputError: a row is no text and no pair; it is named.
    """
    found: list[Mapping[str, object]] = []
    for number, row in enumerate(rows_of(X), 1):
        try:
            fields = fields_of(row, FIELDS)
        except InputError as error:
            raise error.at(f"row {number}") from None
        found.append({name: fields[name] for name in FIELDS if fields.get(name) is not None})
    return found


def reads_texts(tags: Tags) -> Tags:
    """The tags of an estimator that reads a list of texts, not numbers in columns."""
    tags.input_tags.string = True
    tags.input_tags.one_d_array = True
    tags.input_tags.two_d_array = False
    tags.no_validation = True
    return tags
