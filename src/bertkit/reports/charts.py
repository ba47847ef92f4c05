"""Line charts as SVG text: curves over one pair of axes, with a legend, light and dark. Torch-free."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape

Point = tuple[float, float]
COLOURS = ("#3b82c4", "#d9722c", "#2f9e62", "#c4527f", "#8a6fd1", "#a08a1e", "#2a9fa8", "#8b8b8b")  # on white and black
WIDTH, HEIGHT = 680, 340  # where nobody says
LEFT, RIGHT, BOTTOM, TITLE, LEGEND_LINE = 62, 18, 44, 30, 18
LETTER = 6.4  # about the width of a letter at 12 px
MOST_POINTS = 600  # of a curve; a picture has no more columns of pixels
STYLE = """
.chart{font:12px system-ui,sans-serif;fill:#333}
.chart .back{fill:#fff}.chart .grid{stroke:#ddd}.chart .axis{stroke:#888}
.chart .title{font-size:14px;font-weight:600}.chart .curve{fill:none;stroke-width:1.6;stroke-linejoin:round}
@media(prefers-color-scheme:dark){.chart{fill:#ddd}
.chart .back{fill:#16181d}.chart .grid{stroke:#363a42}.chart .axis{stroke:#888}}
"""


@dataclass(frozen=True, slots=True)
class ChartSeries:
    """One curve.

    Attributes:
        points: (x, y), x ascending. What is not finite is left out.
        colour: its place in the list of colours; by its place in the chart where None.
        dashed: drawn with dashes, and a dot at each point: for what was measured now and then.
    """

    name: str
    points: Sequence[Point]
    colour: int | None = None
    dashed: bool = False


@dataclass(frozen=True, slots=True)
class _Frame:
    """Where the curves are drawn, and the values at its edges."""

    width: float
    top: float
    x_low: float
    x_high: float
    y_low: float
    y_high: float

    def x(self, value: float) -> float:
        return LEFT + (value - self.x_low) / (self.x_high - self.x_low) * (self.width - LEFT - RIGHT)

    def y(self, value: float) -> float:
        bottom = self.top + HEIGHT - BOTTOM - TITLE
        return bottom - (value - self.y_low) / (self.y_high - self.y_low) * (bottom - self.top)


def line_chart(
    series: Sequence[ChartSeries], *, title: str, x_label: str = "step", y_label: str = "", width: int = WIDTH
) -> str:
    """The curves as one `<svg>` element, which is also a whole SVG file.

    Args:
        width: in pixels, at which letters are of their right size.
        y_label: what is measured, and in which unit; above the axis, where the title does not say it.
    """
    drawn = [
        ChartSeries(one.name, shortened([p for p in one.points if all(map(math.isfinite, p))]), one.colour, one.dashed)
        for one in series
    ]
    legend, lines = _legend(drawn, width)
    top = TITLE + lines * LEGEND_LINE + (18 if y_label else 6)
    frame, x_ticks, y_ticks = _frame([point for one in drawn for point in one.points], top, width)
    height = top + HEIGHT - TITLE
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" class="chart" viewBox="0 0 {width} {height:g}" role="img">',
        f"<title>{escape(title)}</title><style>{STYLE}</style>",
        f'<rect class="back" width="{width}" height="{height:g}"/>',
        f'<text class="title" x="{LEFT}" y="20">{escape(title)}</text>',
        *legend,
        f'<text x="{LEFT}" y="{top - 7:g}">{escape(y_label)}</text>',
        *_axes(frame, x_ticks, y_ticks),
        f'<text x="{(LEFT + width - RIGHT) / 2:g}" y="{height - 7:g}" text-anchor="middle">{escape(x_label)}</text>',
        *(_curve(one, frame, place) for place, one in enumerate(drawn)),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def ticks(low: float, high: float, most: int) -> list[float]:
    """Round numbers (1, 2 or 5 times a power of ten apart) from at most `low` to at least `high`."""
    if high <= low:
        margin = abs(low) * 0.1 or 1.0
        low, high = low - margin, high + margin
    rough = (high - low) / most
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(power * factor for factor in (1, 2, 5, 10) if power * factor >= rough * (1 - 1e-9))
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return [place * step for place in range(first, last + 1)]


def short_number(value: float) -> str:
    """A number, short: `0.25`, `20k`, `1.5M`."""
    for size, ending in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if abs(value) >= size:
            return f"{value / size:.4g}{ending}"
    return "0" if abs(value) < 1e-12 else f"{value:.4g}"


def shortened(points: Sequence[Point]) -> list[Point]:
    """At most about `MOST_POINTS` points that look the same: of each stretch the lowest and the highest."""
    if len(points) <= MOST_POINTS:
        return list(points)
    size = math.ceil(len(points) / (MOST_POINTS // 2))
    kept: list[Point] = []
    for start in range(0, len(points), size):
        stretch = points[start : start + size]
        ends = {min(stretch, key=lambda point: point[1]), max(stretch, key=lambda point: point[1])}
        kept += sorted(ends)
    return kept


def _frame(points: Sequence[Point], top: float, width: int) -> tuple[_Frame, list[float], list[float]]:
    xs, ys = ([point[axis] for point in points] or [0.0, 1.0] for axis in (0, 1))
    x_low, x_high = min(xs), max(xs)
    if 0 < x_low < 0.5 * x_high:
        x_low = 0.0  # a run that is measured every thousand steps still begins at 0
    y_ticks = ticks(min(ys), max(ys), 6)
    x_ticks = ticks(x_low, x_high, max(3, width // 85))
    # Along x the last curve point is the end of the axis; ticks that lie outside are not drawn.
    low, high = (x_low, x_high) if x_high > x_low else (x_ticks[0], x_ticks[-1])
    shown = [tick for tick in x_ticks if low - 1e-9 <= tick <= high * (1 + 1e-9)]
    return _Frame(width, top, low, high, y_ticks[0], y_ticks[-1]), shown, y_ticks


def _axes(frame: _Frame, x_ticks: Iterable[float], y_ticks: Iterable[float]) -> list[str]:
    left, right, bottom = LEFT, frame.width - RIGHT, frame.y(frame.y_low)
    parts = []
    for tick in y_ticks:
        y = frame.y(tick)
        parts.append(f'<line class="grid" x1="{left}" x2="{right}" y1="{y:.1f}" y2="{y:.1f}"/>')
        parts.append(f'<text x="{left - 7}" y="{y + 4:.1f}" text-anchor="end">{short_number(tick)}</text>')
    for tick in x_ticks:
        x = frame.x(tick)
        parts.append(f'<line class="axis" x1="{x:.1f}" x2="{x:.1f}" y1="{bottom:.1f}" y2="{bottom + 4:.1f}"/>')
        parts.append(f'<text x="{x:.1f}" y="{bottom + 17:.1f}" text-anchor="middle">{short_number(tick)}</text>')
    parts.append(f'<line class="axis" x1="{left}" x2="{right}" y1="{bottom:.1f}" y2="{bottom:.1f}"/>')
    return parts


def _curve(one: ChartSeries, frame: _Frame, place: int) -> str:
    colour = _colour(one, place)
    spots = [(frame.x(x), frame.y(y)) for x, y in one.points]
    dash = ' stroke-dasharray="5 3"' if one.dashed else ""
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in spots)
    line = f'<polyline class="curve" stroke="{colour}"{dash} points="{path}"/>'
    # One point alone makes no line, and would not be seen.
    dots = spots if (one.dashed and len(spots) <= 60) or len(spots) == 1 else []
    return line + "".join(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="2.6" fill="{colour}"/>' for x, y in dots)


def _legend(series: Sequence[ChartSeries], width: int) -> tuple[list[str], int]:
    """The legend's parts, and how many lines it has."""
    parts: list[str] = []
    x, line = float(LEFT), 0
    for place, one in enumerate(series):
        room = 34 + len(one.name) * LETTER + 14
        if x > LEFT and x + room > width - RIGHT:
            x, line = float(LEFT), line + 1
        y = TITLE + line * LEGEND_LINE + 8
        dash = ' stroke-dasharray="5 3"' if one.dashed else ""
        colour = _colour(one, place)
        parts.append(f'<line x1="{x:g}" x2="{x + 24:g}" y1="{y}" y2="{y}" stroke="{colour}" stroke-width="2.5"{dash}/>')
        parts.append(f'<text x="{x + 30:g}" y="{y + 4}">{escape(one.name)}</text>')
        x += room
    return parts, line + 1


def _colour(one: ChartSeries, place: int) -> str:
    return COLOURS[(place if one.colour is None else one.colour) % len(COLOURS)]
