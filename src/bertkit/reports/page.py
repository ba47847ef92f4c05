"""What the pages share that need nothing beside them: no script, no other file, no network."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from html import escape
from itertools import zip_longest

BROAD, NARROW = 680, 380  # widths of charts

STYLE = """
:root{color-scheme:light dark}
body{font:15px/1.5 system-ui,sans-serif;max-width:1420px;margin:2rem auto;padding:0 1rem;color:#222;background:#fff}
h1{font-size:1.5rem}h2{font-size:1.15rem;margin-top:2rem}
.wide{overflow-x:auto}table{border-collapse:collapse;font-size:.88rem}
th,td{padding:.3rem .7rem;border-bottom:1px solid #ccc;text-align:left;white-space:nowrap}
td.number,th.number{text-align:right}td.number{font-variant-numeric:tabular-nums}
th:first-child,td:first-child{position:sticky;left:0;background:#fff}
.charts{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(100%,560px),1fr));gap:1rem}
svg{width:100%;height:auto;border:1px solid #ccc;border-radius:6px}
.narrow{display:none}
@media(prefers-color-scheme:dark){body{color:#ddd;background:#0f1115}th,td{border-color:#363a42}svg{border-color:#363a42}
th:first-child,td:first-child{background:#0f1115}}
@media(max-width:600px){body{margin:1rem auto;padding:0 .6rem}.broad{display:none}.narrow{display:block}
th,td{padding:.3rem .45rem}th{white-space:normal}
th:first-child,td:first-child{min-width:5.5rem;max-width:9rem;white-space:normal;overflow-wrap:break-word}}
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


def chart(draw: Callable[[int], str]) -> str:
    """A chart for a wide page and one for a phone, on which the letters of the other would be too small to read.

    Args:
        draw: makes the SVG of a width.
    """
    return f'<div class="broad">{draw(BROAD)}</div><div class="narrow">{draw(NARROW)}</div>'


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table of words and numbers, whose columns are those that the first row has."""
    rows = list(rows)
    numbers = [_is_number(cell) for cell in rows[0]] if rows else []
    return table_of(header, ([_cell(text) for text in row] for row in rows), numbers)


def table_of(header: Sequence[str], rows: Iterable[Iterable[str]], numbers: Sequence[bool] = ()) -> str:
    """A table of cells that are HTML.

    Args:
        numbers: which columns are of numbers, so that their heads stand above them.
    """
    heads = zip_longest(header, numbers, fillvalue=False)
    head = "".join(f"<th{' class=number' if number else ''}>{escape(str(cell))}</th>" for cell, number in heads)
    body = "".join(f"<tr>{''.join(row)}</tr>\n" for row in rows)
    return f'<div class="wide"><table><thead><tr>{head}</tr></thead><tbody>\n{body}</tbody></table></div>'


def _cell(text: str) -> str:
    return f'<td class="number">{escape(text)}</td>' if _is_number(text) else f"<td>{escape(text)}</td>"


def _is_number(text: str) -> bool:
    return text.lstrip("+-")[:1].isdigit()
