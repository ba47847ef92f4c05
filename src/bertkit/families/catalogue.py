"""The families that bertkit knows, one line each. A new family is its own file and a line, here or by `register`."""

from __future__ import annotations

from bertkit.errors import UnknownFamily, near_match
from bertkit.families import albert, bert, distilbert, electra, eurobert, modernbert, mpnet, nomic, roberta
from bertkit.families.contract import Family

FAMILIES: dict[str, Family] = {
    model_type: module.FAMILY
    for module in (bert, roberta, distilbert, albert, electra, mpnet, modernbert, nomic, eurobert)
    for model_type in module.FAMILY.class_names
}


# Encoders that people ask for and bertkit does not have: the nearest family, and what they compute otherwise.
LACKING: dict[str, tuple[str, str]] = {
    "deberta": ("bert", "attention to content and position apart"),
    "deberta-v2": ("bert", "attention to content and position apart"),
    "mobilebert": ("bert", "bottlenecks around every layer and stacked feed-forward parts"),
    "squeezebert": ("bert", "grouped convolutions in place of dense layers"),
    "convbert": ("electra", "convolutions beside attention"),
    "rembert": ("bert", "an output table of its own and other widths of input and output embeddings"),
    "megatron-bert": ("bert", "norms before each part"),
    "roberta-prelayernorm": ("roberta", "norms before each part"),
    "xlm-roberta-xl": ("roberta", "norms before each part"),
    "ernie": ("bert", "an embedding of the task beside the three of BERT"),
    "roformer": ("bert", "rotations of neighbouring dimensions, and other names"),
    "longformer": ("roberta", "attention that is global for chosen tokens only"),
    "big_bird": ("bert", "attention to random blocks"),
    "ibert": ("roberta", "integer arithmetic"),
    "xlm": ("bert", "an embedding of the language"),
    "flaubert": ("bert", "an embedding of the language"),
}


def register(family: Family) -> None:
    """Add a family, under every `model_type` that it has."""
    FAMILIES.update(dict.fromkeys(family.class_names, family))


def find_family(model_type: str, source: str) -> Family:
    """The family whose `config.json` says `model_type`.

    Raises:
        UnknownFamily: naming the nearest one and, where that is known, what differs.
    """
    if model_type in LACKING:
        nearest, difference = LACKING[model_type]
        raise UnknownFamily(f"{source}: no family {model_type!r}; nearest is {nearest!r}, without {difference}")
    if model_type not in FAMILIES:
        raise UnknownFamily(f"{source}: unknown model_type {model_type!r}{near_match(model_type, FAMILIES)}")
    return FAMILIES[model_type]
