from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bertkit.labelled.cells import structure_in


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('["a", 1, null]', ["a", 1, None]),
        (" [] ", []),
        ('{"text": ["a"], "answer_start": [3]}', {"text": ["a"], "answer_start": [3]}),
        ("['a', \"it's\"]", ["a", "it's"]),
        ("('a', 'b')", ["a", "b"]),
        ("{'b', 'a'}", ["a", "b"]),
        ("[True, None]", [True, None]),
        ("{'text': ['a'], 'answer_start': [3]}", {"text": ["a"], "answer_start": [3]}),
        (
            "{'text': array(['a'], dtype=object), 'answer_start': array([3], dtype=int32)}",
            {"text": ["a"], "answer_start": [3]},
        ),
        ("{'text': array([], dtype=object)}", {"text": []}),
        (r"['\d']", [r"\d"]),
    ],
)
def test_what_json_and_python_print_is_read(text: str, value: object) -> None:
    assert structure_in(text) == value


@pytest.mark.parametrize(
    "array",
    [np.array([1, 0, 1]), np.array([1.0, 0.5]), np.array([True, False]), np.array(["a", "it's", 'b"c']), np.arange(90)],
)
def test_what_numpy_prints_is_read(array: np.ndarray[tuple[int], np.dtype[np.generic]]) -> None:
    assert structure_in(str(array)) == array.tolist()


@pytest.mark.parametrize(
    "text",
    [
        "",
        r"['\u12']",
        "[",
        "a",
        "3",
        "[NEG]",
        "(good)",
        "('x')",
        "{x}",
        "[a, b]",
        "['a', 'b'",
        "[f(1)]",
        "[1e]",
        '"a"',
        "[" * 9000 + "]" * 9000,
    ],
)
def test_a_text_is_a_text(text: str) -> None:
    assert structure_in(text) is None


def test_nothing_is_run() -> None:
    for text in ("[__import__('os')]", "[array(__import__('os'))]", "{'a': print(1)}"):
        assert structure_in(text) is None


@given(st.lists(st.text() | st.integers() | st.booleans()))
def test_lists_come_back(value: list[object]) -> None:
    assert structure_in(json.dumps(value)) == value
    assert structure_in(repr(value)) == value
