"""Vectors in fewer bytes: a half, a quarter or a thirty-second of float32.

The bytes are those that sentence-transformers' `quantize_embeddings` writes, so that an index of either can be searched
with vectors of the other. Shapes: `N` vectors, `W` numbers of each.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, TypeAlias, cast, get_args

import numpy as np
import numpy.typing as npt

from bertkit.config.vectors import VectorPrecision
from bertkit.errors import UserError, near_match

PRECISIONS: tuple[str, ...] = get_args(VectorPrecision)
RANGED = ("int8", "uint8")
BINARY = ("binary", "ubinary")
STEPS = 255  # between the 256 values of a byte
OFFSET = 128  # from an unsigned byte to a signed one

Floats: TypeAlias = npt.NDArray[np.float32]
Stored: TypeAlias = npt.NDArray[Any]


@dataclass(frozen=True, slots=True, eq=False)
class Ranges:
    """The least and the greatest value of each number of a vector: what the 256 values of a byte are spread over.

    A value outside becomes the nearest one inside, so ranges are found on texts that are like those to be stored.

    Attributes:
        low_W, high_W: float32.
    """

    low_W: Floats
    high_W: Floats

    @classmethod
    def of(cls, vectors_NW: npt.ArrayLike) -> Ranges:
        """Those of vectors, (N, W).

        Raises:
            UserError: there are not two vectors, or a number of them is none.
        """
        given_NW = _floats(vectors_NW)
        if given_NW.ndim != 2 or len(given_NW) < 2:
            raise UserError("ranges of fewer than two vectors", "Give the vectors of some hundred texts, (N, W).")
        return cls(given_NW.min(axis=0), given_NW.max(axis=0))

    @property
    def step_W(self) -> Floats:
        """What one more of a byte stands for; 1 where all values are the same."""
        step_W = (self.high_W - self.low_W) / np.float32(STEPS)
        return cast(Floats, np.where(step_W == 0, np.float32(1), step_W))

    def first(self, count: int | None) -> Ranges:
        """Those of the first numbers of a vector; all where None."""
        return Ranges(self.low_W[:count], self.high_W[:count])


def quantize_embeddings(
    embeddings: npt.ArrayLike, precision: VectorPrecision, ranges: Ranges | npt.ArrayLike | None = None
) -> Stored:
    """Vectors in another precision, of the same bytes as sentence-transformers' function of this name gives.

    `int8` and `uint8` give each number one of 256 values between the least and the greatest of its range. `binary` and
    `ubinary` keep whether it is above 0, eight numbers a byte, the last byte filled up with zeros.

    Args:
        embeddings: (N, W), or one vector (W,), float.
        precision: `float32`, `float16`, `int8`, `uint8`, `binary` or `ubinary`.
        ranges: of `int8` and `uint8`: `Ranges`, or (2, W); found on the vectors themselves when left out. Vectors that
            are stored at different times need the same ones.

    Returns:
        (N, W) or (W,); of bits (N, ⌈W / 8⌉) or (⌈W / 8⌉,).

    Raises:
        UserError: an unknown precision, vectors that are whole numbers or not finite, or ranges that do not fit.
    """
    check_precision(precision)
    given = _floats(embeddings)
    if precision in ("float32", "float16"):
        return given.astype(precision)
    if precision in BINARY:
        bits: Stored = np.packbits(given > 0, axis=-1)
        return bits if precision == "ubinary" else _as_signed(bits)
    known = _fitting(Ranges.of(given) if ranges is None else as_ranges(ranges), given.shape[-1])
    found = np.clip(np.floor((given - known.low_W) / known.step_W), 0, STEPS).astype(np.uint8)
    return found if precision == "uint8" else _as_signed(found)


def dequantize_embeddings(
    stored: Stored, precision: VectorPrecision, ranges: Ranges | npt.ArrayLike | None = None, width: int | None = None
) -> Floats:
    """What stored vectors stand for, float32: of a byte the lower end of its step, of a bit 1 or -1.

    Args:
        stored: (N, …) or one vector, as `quantize_embeddings` gives it.
        ranges: those that it was given.
        width: numbers of a vector of bits; all bits when left out.

    Raises:
        UserError: an unknown precision, no ranges where they are needed, or ranges that do not fit.
    """
    check_precision(precision)
    if precision in BINARY:
        bits = np.unpackbits(as_unsigned(stored), axis=-1, count=width)
        return bits.astype(np.float32) * 2 - 1
    if precision not in RANGED:
        return stored.astype(np.float32)
    if ranges is None:
        raise UserError(f"{precision} without its ranges", "Give those that the vectors were quantised with.")
    known = _fitting(as_ranges(ranges), stored.shape[-1])
    return as_unsigned(stored).astype(np.float32) * known.step_W + known.low_W


@dataclass(frozen=True, slots=True, eq=False)
class StoredAs:
    """How vectors are stored: a precision, and of bytes the ranges.

    Raises:
        UserError: an unknown precision.
    """

    precision: VectorPrecision
    ranges: Ranges | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        check_precision(self.precision)

    @property
    def lacks_ranges(self) -> bool:
        """Whether it needs ranges and has none."""
        return self.precision in RANGED and self.ranges is None

    def first(self, count: int | None) -> StoredAs:
        """The same for the first numbers of a vector; for all where None."""
        return self if self.ranges is None else StoredAs(self.precision, self.ranges.first(count))

    def store(self, vectors: Floats) -> Stored:
        """As `quantize_embeddings`."""
        return quantize_embeddings(vectors, self.precision, self.ranges)

    def restore(self, stored: Stored, width: int | None = None) -> Floats:
        """As `dequantize_embeddings`."""
        return dequantize_embeddings(stored, self.precision, self.ranges, width)


def check_precision(precision: str) -> None:
    """Refuses a word that is no precision.

    Raises:
        UserError: naming the nearest one.
    """
    if precision not in PRECISIONS:
        hint = near_match(precision, PRECISIONS)
        raise UserError(f"unknown precision {precision!r}{hint}", f"Choose {', '.join(PRECISIONS)}.")


def as_unsigned(stored: Stored) -> npt.NDArray[np.uint8]:
    """Bytes as they are in `uint8` and `ubinary`, of which `int8` and `binary` are 128 less."""
    return stored if stored.dtype == np.uint8 else stored.view(np.uint8) ^ np.uint8(OFFSET)


def _as_signed(stored: Stored) -> Stored:
    return (stored ^ np.uint8(OFFSET)).view(np.int8)


def as_ranges(ranges: Ranges | npt.ArrayLike) -> Ranges:
    """Ranges, however they were given.

    Raises:
        UserError: an array that is not (2, W).
    """
    if isinstance(ranges, Ranges):
        return ranges
    both_2W = _floats(ranges)
    if both_2W.ndim != 2 or len(both_2W) != 2:
        raise UserError(f"ranges of shape {both_2W.shape}", "Give the least and the greatest values, (2, W).")
    return Ranges(both_2W[0], both_2W[1])


def _fitting(ranges: Ranges, width: int) -> Ranges:
    if len(ranges.low_W) != width:
        raise UserError(
            f"ranges of {len(ranges.low_W)} numbers, vectors of {width}", "Give the ranges of such vectors."
        )
    return ranges


def _floats(values: npt.ArrayLike) -> Floats:
    given = np.asarray(values)
    if given.dtype.kind != "f":
        raise UserError(f"vectors of {given.dtype} are quantised already", "Give them as floating point numbers.")
    if not np.isfinite(given).all():
        raise UserError("a number of the vectors is NaN or infinite", "Leave such vectors out.")
    return given.astype(np.float32, copy=False)
