"""The families that bertkit knows, one line each."""

from __future__ import annotations

from bertkit.errors import UnknownFamily, near_match
from bertkit.families import albert, bert, distilbert, electra, eurobert, modernbert, mpnet, nomic, roberta
from bertkit.families.contract import Family

FAMILIES: dict[str, Family] = {
    model_type: module.FAMILY
    for module in (bert, roberta, distilbert, albert, electra, mpnet, modernbert, nomic, eurobert)
    for model_type in module.FAMILY.class_names
}


def find_family(model_type: str, source: str) -> Family:
    """The family whose `config.json` says `model_type`.

    Raises:
        UnknownFamily: naming the nearest one.
    """
    if model_type not in FAMILIES:
        raise UnknownFamily(f"{source}: unknown model_type {model_type!r}{near_match(model_type, FAMILIES)}")
    return FAMILIES[model_type]
