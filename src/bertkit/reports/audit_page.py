"""An audit as one HTML page with drawings, which needs nothing beside it: no script, no network."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from bertkit.reports.audit_facts import Facts, facts

if TYPE_CHECKING:
    from bertkit.sampling.audit import Audit, AuditedSequence, Histogram

WIDTH, HEIGHT, FOOT = 640, 160, 34
STYLE = """
body { font: 15px/1.45 system-ui, sans-serif; margin: 2em auto; max-width: 760px; color: #222; background: #fff }
h1 { font-size: 1.4em } h2 { font-size: 1.1em; margin: 1.6em 0 .4em }
table { border-collapse: collapse } td { padding: .15em 1.2em .15em 0; vertical-align: top }
p.sample { border-left: 3px solid #4477aa; padding-left: .8em; overflow-wrap: anywhere }
b.mask { background: #fde9b5; font-weight: normal } small { color: #666 }
svg { max-width: 100%; height: auto }
"""


def audit_page(report: Audit) -> str:
    """The page, as the text of an HTML file."""
    drawings = (
        ("Tokens of a sentence", report.text.sentence_lengths),
        ("Tokens of a document", report.text.document_lengths),
        ("Tokens of a sample", report.samples.lengths),
    )
    parts = [
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>Audit of {escape(report.folder)}</title>',
        f"<style>{STYLE}</style><h1>Audit of {escape(report.folder)}</h1>",
        *(_table(title, group) for title, group in facts(report).items()),
        *(_drawing(title, histogram) for title, histogram in drawings),
        "<h2>Samples</h2>",
        *(_sample(example) for example in report.batches.examples),
        "</html>",
    ]
    return "\n".join(parts) + "\n"


def _table(title: str, group: Facts) -> str:
    shown = {name: f"{value:,}" if isinstance(value, int) else str(value) for name, value in group.items()}
    rows = "".join(f"<tr><td>{escape(name)}</td><td>{escape(value)}</td></tr>" for name, value in shown.items())
    return f"<h2>{escape(title)}</h2><table>{rows}</table>"


def _drawing(title: str, histogram: Histogram) -> str:
    """A bar for each range of lengths, as wide as all others; the ranges grow, so the axis is of doubling lengths."""
    most = max(histogram.counts)
    shown = [place for place, count in enumerate(histogram.counts) if count]
    places = range(shown[0], shown[-1] + 1)
    wide = WIDTH / len(places)
    bars = []
    for nth, place in enumerate(places):
        count, low, high = histogram.counts[place], histogram.edges[place], histogram.edges[place + 1] - 1
        tall = (HEIGHT - FOOT) * count / most
        x = nth * wide
        bars.append(
            f'<rect x="{x + 1:.1f}" y="{HEIGHT - FOOT - tall:.1f}" width="{wide - 2:.1f}" height="{tall:.1f}" '
            f'fill="#4477aa"><title>{low:,} to {high:,} tokens: {count:,}</title></rect>'
            f'<text x="{x + wide / 2:.1f}" y="{HEIGHT - FOOT + 14}" font-size="10" text-anchor="middle">{low:,}</text>'
        )
    told = f"mean {histogram.mean:.1f}, median {histogram.median:,}, longest {histogram.longest:,}"
    return (
        f"<h2>{escape(title)}</h2><small>{told}</small><br>"
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" role="img" aria-label="{escape(title)}: {told}">'
        f"{''.join(bars)}</svg>"
    )


def _sample(example: AuditedSequence) -> str:
    text = escape(example.text).replace("{", '<b class="mask">{').replace("}", "}</b>")
    told = f"<small>second part {example.second}</small><br>" if example.second else ""
    return f'<p class="sample">{told}{text}</p>'
