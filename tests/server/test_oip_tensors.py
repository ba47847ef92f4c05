"""Lengths that a body declares are held against the bytes that there are."""

from __future__ import annotations

import struct
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bertkit.errors import InputError
from bertkit.server.oip_tensors import Inference, Wanted, in_bytes, split, texts_of, written


def asked(*tensors: dict[str, Any]) -> Inference:
    return Inference.model_validate({"inputs": [{"name": "text", "datatype": "BYTES", **one} for one in tensors]})


def binary(size: object, *shape: int) -> Inference:
    return asked({"shape": list(shape), "parameters": {"binary_data_size": size}})


def test_json_may_be_flat_or_nested() -> None:
    for data in (["a", "b"], [["a"], ["b"]], [[["a", "b"]]]):
        assert texts_of(asked({"shape": [2, 1], "data": data}), b"") == {"text": ["a", "b"]}


@given(st.lists(st.text(max_size=9), max_size=5))
def test_bytes_come_back_as_they_were_written(texts: list[str]) -> None:
    data = in_bytes(texts)
    assert texts_of(binary(len(data), len(texts)), data) == {"text": texts}


@given(st.binary(max_size=40), st.integers(-2, 50))
def test_any_bytes_are_texts_or_refused(data: bytes, size: int) -> None:
    try:
        texts_of(binary(size, 1), data)
    except InputError:
        return


@pytest.mark.parametrize(
    ("inference", "behind", "words"),
    [
        (asked({"shape": [1], "datatype": "FP32", "data": [1.0]}), b"", "not BYTES"),
        (asked({"shape": [2], "data": ["a"]}), b"", "1 elements"),
        (asked({"shape": [-1], "data": ["a"]}), b"", "negative"),
        (asked({"shape": [1], "data": [1]}), b"", "not text"),
        (asked({"shape": [1], "data": ["a"]}), b"more", "4 bytes behind"),
        (binary(9, 1), b"1234", "not within the body"),
        (binary(True, 1), b"1234", "not within the body"),
        (binary("4", 1), b"1234", "not within the body"),
        (binary(3, 1), b"123", "within a length"),
        (binary(5, 1), struct.pack("<I", 2**32 - 1) + b"a", "within an element"),
        (binary(5, 1), struct.pack("<I", 1) + b"\xff", "not UTF-8"),
    ],
)
def test_what_does_not_fit_is_named(inference: Inference, behind: bytes, words: str) -> None:
    with pytest.raises(InputError, match=words):
        texts_of(inference, behind)


@pytest.mark.parametrize("length", ["-1", "x", "99", "1.0", ""])
def test_a_header_that_is_no_length_is_refused(length: str) -> None:
    with pytest.raises(InputError, match="no length"):
        split(b"{}", length)
    assert split(b"{}xy", "2") == (b"{}", b"xy")


def test_outputs_are_bytes_where_that_is_asked_for() -> None:
    vectors = np.array([[1, 2]], np.float32)
    outputs = {"v": ((1, 2), vectors), "t": ((1,), ["a"])}
    inference = asked({"shape": [1]})
    inference.outputs = [Wanted(name="v", parameters={"binary_data": True})]
    body, length = written({}, outputs, inference)
    assert body[length:] == vectors.tobytes()
    assert b'"data":["a"]' in body[:length]
    assert written({}, outputs, asked({"shape": [1]}))[1] is None
