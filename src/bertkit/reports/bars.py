"""Bars side by side as SVG text, a mark on each where something else was expected; light and dark. Torch-free."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape

from bertkit.reports.charts import COLOURS, LETTER, STYLE, WIDTH, short_number, ticks

LABEL_WIDTH, RIGHT, ROW, THICK, TOP, BOTTOM = 230, 76, 28, 12, 36, 30
EDGE = 12  # of the picture to its text
LETTERS = 9  # about the width of a letter of the title
NARROW_LABEL_WIDTH = 128
Scale = Callable[[float], float]


@dataclass(frozen=True, slots=True)
class Bar:
    """One of them.

    Attributes:
        expected: where the mark is, and between which values a line is drawn; None for neither.
        colour: its place in the list of colours.
    """

    name: str
    value: float
    expected: tuple[float, float, float] | None = None
    colour: int = 0


def bar_chart(bars: Sequence[Bar], *, title: str, unit: str, width: int = WIDTH) -> str:
    """The bars as one `<svg>` element, which is also a whole SVG file.

    Args:
        width: in pixels, at which letters are of their right size.
        unit: of the values; below the axis.
    """
    highest = max((value for bar in bars for value in (bar.value, *(bar.expected or ()))), default=1.0)
    marks = ticks(0.0, highest or 1.0, max(2, width // 110))
    height = TOP + ROW * len(bars) + BOTTOM
    bottom = height - BOTTOM

    labels = LABEL_WIDTH if width >= WIDTH else NARROW_LABEL_WIDTH

    def x(value: float) -> float:
        return labels + value / marks[-1] * (width - labels - RIGHT)

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" class="chart" viewBox="0 0 {width} {height}" role="img">',
        f"<title>{escape(title)}</title><style>{STYLE}</style>",
        f'<rect class="back" width="{width}" height="{height}"/>',
        f'<text class="title" x="{EDGE}" y="20">{escape(_shortened(title, width // LETTERS))}</text>',
    ]
    for mark in marks:
        parts.append(f'<line class="grid" x1="{x(mark):.1f}" x2="{x(mark):.1f}" y1="{TOP}" y2="{bottom}"/>')
        parts.append(f'<text x="{x(mark):.1f}" y="{bottom + 16}" text-anchor="middle">{short_number(mark)}</text>')
    parts.append(f'<text x="{EDGE}" y="{bottom + 16}">{escape(unit)}</text>')
    for place, bar in enumerate(bars):
        top = TOP + ROW * place + 4
        parts += _drawn(bar, top, x(0.0), x(bar.value), width)
        parts += _expected(bar, top + THICK + 6, x)
    parts.append("</svg>")
    return "\n".join(parts) + "\n"


def _drawn(bar: Bar, top: float, left: float, right: float, width: int) -> list[str]:
    colour = COLOURS[bar.colour % len(COLOURS)]
    name = _shortened(bar.name, int(left / LETTER))
    middle = top + THICK / 2 + 4
    return [
        f'<text x="{left - 8:.1f}" y="{middle:.1f}" text-anchor="end">{escape(name)}</text>',
        f'<rect x="{left:.1f}" y="{top:.1f}" width="{max(1.0, right - left):.1f}" height="{THICK}" fill="{colour}"/>',
        f'<text x="{width - EDGE}" y="{middle:.1f}" text-anchor="end">{short_number(bar.value)}</text>',
    ]


def _shortened(text: str, letters: int) -> str:
    return text if len(text) <= letters else text[: letters - 1] + "…"


def _expected(bar: Bar, middle: float, x: Scale) -> list[str]:
    if bar.expected is None:
        return []
    at, low, high = map(x, bar.expected)
    return [
        f'<line class="axis" x1="{low:.1f}" x2="{high:.1f}" y1="{middle:.1f}" y2="{middle:.1f}"/>',
        f'<path class="axis" d="M{at:.1f} {middle - 4:.1f}l4 4l-4 4l-4 -4z" fill="none"/>',
    ]
