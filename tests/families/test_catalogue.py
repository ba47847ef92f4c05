from __future__ import annotations

from dataclasses import replace

import pytest

from bertkit.errors import UnknownFamily
from bertkit.families.catalogue import FAMILIES, LACKING, find_family, register


def test_what_is_lacking_is_not_there_and_its_nearest_is() -> None:
    assert not set(LACKING) & set(FAMILIES)
    assert {nearest for nearest, _ in LACKING.values()} <= set(FAMILIES)


def test_a_family_is_found_by_each_of_its_model_types(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bertkit.families.catalogue.FAMILIES", known := dict(FAMILIES))
    made = replace(FAMILIES["bert"], name="made", class_names={"made": "Made", "made-2": "Made"})
    register(made)
    assert known["made"] is known["made-2"] is find_family("made", "here") is made


@pytest.mark.parametrize(
    ("model_type", "says"),
    [
        ("bertt", "unknown model_type 'bertt' (did you mean 'bert'?)"),
        ("ibert", "nearest is 'roberta', without integer"),
    ],
)
def test_one_that_there_is_not(model_type: str, says: str) -> None:
    with pytest.raises(UnknownFamily) as raised:
        find_family(model_type, "here")
    assert str(raised.value).startswith("here: ")
    assert says in str(raised.value)
