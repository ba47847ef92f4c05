"""Entities in their sentence, coloured: those that are right above those that were said."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape

from bertkit.metrics.entity_faults import FAULTS, EntityMark, EntityMarks, Fault
from bertkit.reports.page import table_of

COLOURS: Mapping[Fault | None, str] = {
    None: "46,160,67",
    "boundary": "217,140,44",
    "type": "138,111,209",
    "missed": "218,54,51",
    "spurious": "218,54,51",
}
MEANS: Mapping[Fault, str] = {
    "boundary": "touches an entity, but begins or ends elsewhere",
    "type": "the words of an entity, of another type",
    "missed": "an entity where none was said",
    "spurious": "none, where one was said",
}
FAULT_STYLE = """
.marked{line-height:2}.marked+.marked{border-top:1px dotted #8886}
.marked mark{color:inherit;border-radius:4px;padding:.1rem .2rem}.marked small{opacity:.75;margin-left:.25rem}
.told{display:inline-block;min-width:2.6rem;opacity:.7}
"""


def fault_legend(faults: Mapping[Fault, int]) -> str:
    """How often entities are wrong in which way, each way in its colour."""
    rows = [
        [
            f'<td><mark style="background:rgba({COLOURS[fault]},.35)">{fault}</mark></td>',
            f'<td class="number">{faults.get(fault, 0):,}</td><td class="said">{MEANS[fault]}</td>',
        ]
        for fault in FAULTS
    ]
    return f'<div class="marked">{table_of(("fault", "entities", ""), rows, (False, True))}</div>'


def marked(text: str, marks: EntityMarks) -> str:
    """The text twice: with the entities that are right, and with those that were said."""
    lines = (("right", marks.right), ("said", marks.said))
    return "".join(
        f'<div class="marked"><span class="told">{name}</span> {_coloured(text, some)}</div>' for name, some in lines
    )


def _coloured(text: str, marks: Sequence[EntityMark]) -> str:
    parts, end = list[str](), 0
    for one in marks:
        about = f' title="{one.fault}"' if one.fault else ""
        parts.append(escape(text[end : one.start]))
        parts.append(
            f'<mark style="background:rgba({COLOURS[one.fault]},.35)"{about}>{escape(text[one.start : one.end])}'
            f"<small>{escape(one.type)}</small></mark>"
        )
        end = one.end
    return "".join([*parts, escape(text[end:])])
