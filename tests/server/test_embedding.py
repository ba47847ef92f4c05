"""Vectors as protocols want them."""

from __future__ import annotations

import base64

import numpy as np
import pytest

from bertkit.errors import EmptyInput, InputError
from bertkit.server.embedding import as_base64, inputs_of, numbers, shortened, similarities, units


def test_inputs_are_one_or_several_texts_or_ids() -> None:
    assert inputs_of("a") == ["a"]
    assert inputs_of(["a", "b"]) == ["a", "b"]
    assert inputs_of([1, 2]) == [[1, 2]]
    assert inputs_of([[1], [2]]) == [[1], [2]]
    with pytest.raises(EmptyInput):
        inputs_of([])


def test_shortened_vectors_have_length_1_where_that_is_wanted() -> None:
    vectors = np.array([[3, 4, 12], [0, 0, 1]], np.float32)
    np.testing.assert_allclose(shortened(vectors, 2, normalize=True), [[0.6, 0.8], [0, 0]])
    np.testing.assert_allclose(shortened(vectors, 2, normalize=False), [[3, 4], [0, 0]])
    with pytest.raises(InputError, match="4 dimensions of vectors of 3"):
        shortened(vectors, 4, normalize=True)


def test_kinds_of_numbers_keep_to_their_range() -> None:
    vectors = np.array([[-1, 1, 0, 0.5, -2, 2, 0.1, -0.1, 0.3]], np.float32)
    assert numbers(vectors, "int8").tolist() == [[-127, 127, 0, 64, -127, 127, 13, -13, 38]]
    assert numbers(vectors, "uint8").tolist() == [[1, 255, 128, 192, 1, 255, 141, 115, 166]]
    assert numbers(vectors, "ubinary").tolist() == [[0b01010110, 0b10000000]]
    assert numbers(vectors, "binary").tolist() == [[0b01010110 - 128, 0]]


def test_base64_is_little_endian_whatever_the_array() -> None:
    vector = np.array([1.5, -2.0], np.float32)
    for one in (vector, vector.astype(">f4"), np.repeat(vector, 2)[::2]):
        assert base64.b64decode(as_base64(one)) == b"\x00\x00\xc0\x3f\x00\x00\x00\xc0"


def test_similarities_are_cosines() -> None:
    one, others = np.array([[2, 0]], np.float32), np.array([[5, 0], [0, 1], [-1, 0]], np.float32)
    assert similarities(one, others).tolist() == [[1, 0, -1]]
    assert units(np.zeros((1, 2), np.float32)).tolist() == [[0, 0]]
