from __future__ import annotations

import json

from bertkit.training.state import Progress


def progress(*scores: float) -> Progress:
    made = Progress()
    for step, score in enumerate(scores):
        made.step = step
        made.measured(score, {"accuracy": -score})
    return made


def test_the_last_score_is_the_best() -> None:
    assert progress(-0.7, -0.8, -0.9).rising() == (-0.8, -0.9)
    assert progress(-0.7, -0.9, -0.8).rising() is None
    assert progress(-0.9, -0.9).rising() is None, "no better than before"
    assert progress(-0.9, -0.7, -0.9).rising() is None, "no better than it began"
    assert progress(-0.9).rising() is None
    assert Progress().rising() is None


def test_measures_before_the_first_step_are_kept() -> None:
    made = Progress.of(json.loads(json.dumps(progress(-0.7, -0.8).record())))
    assert made.start == {"accuracy": 0.7}
    assert made.scores == [(0, -0.7), (1, -0.8)]
    assert (made.best, made.stale) == (-0.8, 0)


def test_a_checkpoint_of_an_earlier_version_says_nothing_of_scores() -> None:
    record = progress(-0.7).record()
    del record["scores"], record["start"]
    assert Progress.of(record).scores == []
