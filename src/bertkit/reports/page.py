"""What the pages share that need nothing beside them: no script, no other file, no network."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

STYLE = """
:root{color-scheme:light dark}
body{font:15px/1.5 system-ui,sans-serif;max-width:1420px;margin:2rem auto;padding:0 1rem;color:#222;background:#fff}
h1{font-size:1.5rem}h2{font-size:1.15rem;margin-top:2rem}
.wide{overflow-x:auto}table{border-collapse:collapse;font-size:.88rem}
th,td{padding:.3rem .7rem;border-bottom:1px solid #ccc;text-align:left;white-space:nowrap}
td.number{text-align:right;font-variant-numeric:tabular-nums}
.charts{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(100%,560px),1fr));gap:1rem}
svg{width:100%;height:auto;border:1px solid #ccc;border-radius:6px}
@media(prefers-color-scheme:dark){body{color:#ddd;background:#0f1115}th,td{border-color:#363a42}svg{border-color:#363a42}}
"""


def page(title: str, heading: str, parts: Iterable[str], style: str = "") -> str:
    """A whole HTML file.

    Args:
        heading: in words; the parts are HTML.
        style: more of it.
    """
    whole = [
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>',
        '<meta name="viewport" content="width=device-width,initial-scale=1">',
        f"<style>{STYLE}{style}</style></head><body>",
        f"<h1>{escape(heading)}</h1>",
        *parts,
        "</body></html>",
    ]
    return "\n".join(whole) + "\n"


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table of words and numbers."""
    return table_of(header, (map(_cell, row) for row in rows))


def table_of(header: Sequence[str], rows: Iterable[Iterable[str]]) -> str:
    """A table of cells that are HTML."""
    head = "".join(f"<th>{escape(cell)}</th>" for cell in header)
    body = "".join(f"<tr>{''.join(row)}</tr>\n" for row in rows)
    return f'<div class="wide"><table><thead><tr>{head}</tr></thead><tbody>\n{body}</tbody></table></div>'


def _cell(text: str) -> str:
    return f'<td class="number">{escape(text)}</td>' if text[:1].isdigit() else f"<td>{escape(text)}</td>"
