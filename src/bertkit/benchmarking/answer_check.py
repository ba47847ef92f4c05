"""Whether a server's answer is the one that was made beforehand, up to rounding."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

# What two programs, or two batches, may differ by in each precision.
TOLERANCES: Mapping[str, float] = {"float32": 1e-5}
OTHER_TOLERANCE = 1e-2
# Of a record, what tells of how it was made and not what the answer is.
ASIDE = ("dtype",)


class AnswerCheck:
    """Compares answers with those that are expected.

    Args:
        expected: the record of each text, as `bertkit predict --json` writes them.
        tolerance: that numbers may differ by; by the precision of the records where None.
    """

    def __init__(self, expected: Sequence[Mapping[str, object]], tolerance: float | None = None) -> None:
        self._expected = expected
        self._tolerance = tolerance

    def verdict(self, number: int, got: Mapping[str, object]) -> str:
        """`right`, `wrong`, or `mixed up`: what another text's answer is.

        Args:
            number: of the text, from 0.
            got: its record, or the part of it that a protocol has.
        """
        if self._agrees(number, got):
            return "right"
        others = (other for other in range(len(self._expected)) if other != number)
        return "mixed up" if any(self._agrees(other, got) for other in others) else "wrong"

    def _agrees(self, number: int, got: Mapping[str, object]) -> bool:
        expected = self._expected[number]
        tolerance = self._tolerance
        if tolerance is None:
            tolerance = TOLERANCES.get(str(expected.get("dtype")), OTHER_TOLERANCE)
        names = [name for name in got if name not in ASIDE]
        return bool(names) and all(name in expected and agrees(expected[name], got[name], tolerance) for name in names)


def agrees(expected: object, got: object, tolerance: float) -> bool:
    """Whether two values of JSON are alike, numbers up to a tolerance.

    Lists of what has a score may be in another order, and end with another, where scores are closer than that.
    """
    if isinstance(expected, bool) or isinstance(got, bool) or expected is None:
        return expected is got
    if isinstance(expected, int | float) and isinstance(got, int | float):
        return abs(expected - got) <= tolerance
    if isinstance(expected, Mapping) and isinstance(got, Mapping):
        return expected.keys() == got.keys() and all(agrees(expected[name], got[name], tolerance) for name in expected)
    if isinstance(expected, list) and isinstance(got, list):
        if len(expected) != len(got):
            return False
        if expected and all(isinstance(one, Mapping) and "score" in one for one in (*expected, *got)):
            return _agree_scored(expected, got, tolerance)
        return all(agrees(one, other, tolerance) for one, other in zip(expected, got, strict=True))
    return expected == got


def _agree_scored(
    expected: Sequence[Mapping[str, object]], got: Sequence[Mapping[str, object]], tolerance: float
) -> bool:
    """Place by place the scores are alike; and what stands elsewhere, or only in one, is as close as that."""
    if not all(agrees(one["score"], other["score"], tolerance) for one, other in zip(expected, got, strict=True)):
        return False
    known, found = ({_identity(one): one["score"] for one in side} for side in (expected, got))
    last = expected[-1]["score"]
    return all(agrees(known.get(name, last), found.get(name, last), tolerance) for name in known | found)


def _identity(entry: Mapping[str, object]) -> str:
    return repr(sorted((name, value) for name, value in entry.items() if name != "score"))
