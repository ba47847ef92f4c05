from __future__ import annotations

import pytest

from bertkit.config.cascade import CascadeSettings


def settings(**changes: object) -> CascadeSettings:
    """A cascade of single labels."""
    given = {"problem": "single-label", "confidence": 0.9, "temperature": 1.0, "scale": 1.0, "answered": 0.5}
    given |= {"speed": 2.0, "metric": "accuracy", "loss_points": 0.1, "loss_low": -0.1, "loss_high": 0.3}
    return CascadeSettings.model_validate({**given, "examples": 100, **changes})


def test_it_is_read_as_it_was_written() -> None:
    assert CascadeSettings.model_validate_json(settings().model_dump_json()) == settings()


@pytest.mark.parametrize(
    "wrong", [{"confidence": 1.5}, {"problem": "regression"}, {"scale": 0.0}, {"schema_version": 2}]
)
def test_what_cannot_be(wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=next(iter(wrong))):
        settings(**wrong)
