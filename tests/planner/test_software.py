from __future__ import annotations

from typing import get_args

import pytest

from bertkit.errors import UserError
from bertkit.planner.software import SOFTWARE, Name, software_called


def test_every_name_has_a_program() -> None:
    assert set(SOFTWARE) == set(get_args(Name))


def test_an_unknown_engine_names_the_nearest() -> None:
    assert software_called("TensorRT").name == "tensorrt"
    with pytest.raises(UserError, match=r"unknown engine 'tensort'.*did you mean 'tensorrt'"):
        software_called("tensort")
