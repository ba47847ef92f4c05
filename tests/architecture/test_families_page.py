"""docs/families.md is made from the families' data; running this file as a module makes it again."""

from __future__ import annotations

from pathlib import Path

from bertkit.families.catalogue import FAMILIES
from bertkit.planner.parameters import count_parameters

PAGE = Path(__file__).parents[2] / "docs" / "families.md"
HEADING = """# Families

Every family is data over one encoder: `src/bertkit/families/` has a file for each. This page is made from that data;
`python -m tests.architecture.test_families_page` makes it again. Heads: what a checkpoint of the family may have.

"""


def page() -> str:
    """The page as the data has it."""
    families = {family.name: family for family in FAMILIES.values()}.values()
    lines = ["| family | `model_type` | what it changes | heads |", "|---|---|---|---|"]
    for family in families:
        types = ", ".join(f"`{name}`" for name in family.class_names)
        lines.append(f"| {family.name} | {types} | {family.changes} | {', '.join(family.heads)} |")
    lines += [
        "",
        "## Published sizes",
        "",
        "Parameters are those of the encoder, the pooler included where there is one.",
        "",
    ]
    lines += [
        "| family | size | parameters | steps (layers) | width | heads | tokens |",
        "|---|---|---:|---|---:|---:|---:|",
    ]
    for family in families:
        for size, config in family.presets.items():
            shape = f"{len(config.layer_of_step)} ({config.layers})"
            numbers = f"{config.width} | {config.heads} | {config.max_length:,}"
            lines.append(f"| {family.name} | {size} | {count_parameters(config):,} | {shape} | {numbers} |")
    return HEADING + "\n".join(lines) + "\n"


def test_the_page_is_what_the_data_says() -> None:
    assert PAGE.read_text(encoding="utf-8") == page()


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
