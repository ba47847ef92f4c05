from __future__ import annotations

import sys

import numpy as np
import pytest

from bertkit.errors import InputError, UserError
from bertkit.sklearn.text_input import fields_of_rows, rows_of
from tests.formats.test_frames import Frame


def test_arrays_of_two_axes_hold_texts_or_pairs() -> None:
    assert rows_of(np.array([["a"], ["b"]])) == ["a", "b"]
    assert rows_of(np.array([["a", "b"], ["c", "d"]])) == [("a", "b"), ("c", "d")]


def test_fields_of_texts_pairs_and_tables() -> None:
    assert fields_of_rows(["a", ("b", "c"), {"text": "d", "stars": 3}]) == [
        {"text": "a"},
        {"text": "b", "text_pair": "c"},
        {"text": "d"},
    ]
    assert fields_of_rows(Frame({"text": ["a"], "text_pair": [None]})) == [{"text": "a"}]
    with pytest.raises(InputError, match="row 1: of type bytes, not text"):
        fields_of_rows([b"a"])


def test_without_scikit_learn_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sklearn", None)
    for name in [name for name in sys.modules if name.startswith("bertkit.sklearn")]:
        monkeypatch.delitem(sys.modules, name)
    with pytest.raises(UserError, match="needs scikit-learn") as error:
        __import__("bertkit.sklearn")
    assert "bertkit[sklearn]" in error.value.remedy
