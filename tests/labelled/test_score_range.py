from __future__ import annotations

import pytest

from bertkit.labelled.score_range import cosine_range, range_in_words


@pytest.mark.parametrize(
    ("scores", "expected"),
    [
        ([0, 5, 2], (0, 5)),
        ([1, 4.8], (1, 4.8)),
        ([-5, 5], (-5, 5)),
        ([0, 100], (0, 100)),
        ([0.2, 0.9], (0, 1)),
        ([-0.3, 1], (0, 1)),
        ([0, 1], (0, 1)),
        ([3, 3], (3, 4)),
    ],
)
def test_scores_that_are_no_cosines_are_scaled(scores: list[float], expected: tuple[float, float]) -> None:
    assert cosine_range(scores) == expected


def test_it_is_said() -> None:
    assert range_in_words([0, 5]) == ["scores from 0 to 5 are scaled to cosines from 0 to 1"]
    assert range_in_words([-0.5, 1]) == ["scores from -0.5 to 1 are taken as cosines"]
    assert range_in_words([0.5, 1]) == range_in_words([]) == []
