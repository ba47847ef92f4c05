"""Vectors in fewer bytes: those of sentence-transformers, and back to what they stand for."""

from __future__ import annotations

from typing import get_args

import numpy as np
import pytest
from sentence_transformers.util.quantization import quantize_embeddings as theirs

from bertkit.config.vectors import VectorPrecision
from bertkit.errors import UserError
from bertkit.vectors.quantising import Ranges, dequantize_embeddings, quantize_embeddings

WIDTH = 19  # no whole number of bytes
RANDOM = np.random.default_rng(0)
VECTORS_NW = RANDOM.normal(size=(130, WIDTH)).astype(np.float32)
VECTORS_NW[:, 4] = 0.25  # a number that is always the same
LATER_NW = 3 * RANDOM.normal(size=(7, WIDTH)).astype(np.float32)  # some outside the ranges


@pytest.mark.parametrize("precision", [one for one in get_args(VectorPrecision) if one != "float16"])
def test_the_bytes_are_those_of_sentence_transformers(precision: VectorPrecision) -> None:
    ranges = Ranges.of(VECTORS_NW)
    both_2W = np.stack([ranges.low_W, ranges.high_W])
    for given, known in ((VECTORS_NW, None), (LATER_NW, both_2W)):
        ours, expected = quantize_embeddings(given, precision, known), theirs(given, precision, known)
        assert ours.dtype == expected.dtype
        assert (ours == expected).all()
    assert (quantize_embeddings(LATER_NW, precision, ranges) == theirs(LATER_NW, precision, both_2W)).all()
    one = quantize_embeddings(LATER_NW[0], precision, ranges)
    assert (one == quantize_embeddings(LATER_NW, precision, ranges)[0]).all()


def test_half_of_the_bytes() -> None:
    half_NW = quantize_embeddings(VECTORS_NW, "float16")
    assert half_NW.dtype == np.float16
    assert np.allclose(dequantize_embeddings(half_NW, "float16"), VECTORS_NW, rtol=1e-3)


@pytest.mark.parametrize("precision", ["int8", "uint8"])
def test_a_byte_is_less_than_a_step_away(precision: VectorPrecision) -> None:
    ranges = Ranges.of(VECTORS_NW)
    back_NW = dequantize_embeddings(quantize_embeddings(VECTORS_NW, precision, ranges), precision, ranges)
    assert (np.abs(back_NW - VECTORS_NW) <= ranges.step_W * 1.001).all()


@pytest.mark.parametrize("precision", ["binary", "ubinary"])
def test_a_bit_is_the_sign(precision: VectorPrecision) -> None:
    stored_NB = quantize_embeddings(VECTORS_NW, precision)
    assert stored_NB.shape == (130, 3)
    assert (dequantize_embeddings(stored_NB, precision, width=WIDTH) == np.where(VECTORS_NW > 0, 1, -1)).all()
    assert dequantize_embeddings(stored_NB, precision).shape == (130, 24)


def test_ranges_of_the_first_numbers() -> None:
    first = Ranges.of(VECTORS_NW).first(5)
    assert (
        quantize_embeddings(VECTORS_NW[:, :5], "int8", first) == quantize_embeddings(VECTORS_NW, "int8")[:, :5]
    ).all()


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: quantize_embeddings(VECTORS_NW, "int7"), r"unknown precision 'int7' \(did you mean 'int8'"),  # type: ignore[arg-type]
        (lambda: quantize_embeddings([[1, 2]], "int8"), "vectors of int64 are quantised already"),
        (lambda: quantize_embeddings([[np.nan, 2.0]], "binary"), "NaN or infinite"),
        (lambda: quantize_embeddings([1.0, 2.0], "int8"), "ranges of fewer than two vectors"),
        (
            lambda: quantize_embeddings(VECTORS_NW[:, :5], "int8", Ranges.of(VECTORS_NW)),
            "ranges of 19 numbers, vectors of 5",
        ),
        (lambda: quantize_embeddings(VECTORS_NW, "int8", VECTORS_NW), r"ranges of shape \(130, 19\)"),
        (lambda: dequantize_embeddings(np.zeros((2, 3), np.int8), "int8"), "int8 without its ranges"),
    ],
)
def test_what_does_not_go_is_refused(call, says: str) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(UserError, match=says):
        call()
