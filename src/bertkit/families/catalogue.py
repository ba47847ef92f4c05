"""The families that bertkit knows, one line each."""

from __future__ import annotations

from bertkit.errors import UnknownFamily, near_match
from bertkit.families import bert
from bertkit.families.contract import Family

FAMILIES: dict[str, Family] = {family.model_type: family for family in (bert.FAMILY,)}


def find_family(model_type: str, source: str) -> Family:
    """The family whose `config.json` says `model_type`.

    Raises:
        UnknownFamily: naming the nearest one.
    """
    if model_type not in FAMILIES:
        raise UnknownFamily(f"{source}: unknown model_type {model_type!r}{near_match(model_type, FAMILIES)}")
    return FAMILIES[model_type]
