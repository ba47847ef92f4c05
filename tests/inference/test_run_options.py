"""What `load` says that it takes is what it reads."""

from __future__ import annotations

import inspect
from typing import get_overloads

import pytest

import bertkit
from bertkit.errors import UserError
from bertkit.inference import model
from bertkit.inference.run_options import RunOptions


def test_the_overload_that_people_see_names_every_option() -> None:
    seen = inspect.signature(get_overloads(model.load)[-1]).parameters
    assert set(RunOptions.__annotations__) <= set(seen)


@pytest.mark.parametrize(("name", "value"), [("batch_tokens", 0), ("invariant", "yes"), ("explainable", 3)])
def test_other_values_are_refused_by_name(name: str, value: object) -> None:
    with pytest.raises(UserError, match=name):
        bertkit.load(**{name: value})  # type: ignore[call-overload]
