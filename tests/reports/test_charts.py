from __future__ import annotations

import math
from xml.etree import ElementTree

import pytest

from bertkit.reports.charts import MOST_POINTS, ChartSeries, line_chart, short_number, shortened, ticks

SVG = "{http://www.w3.org/2000/svg}"


def drawn(*series: ChartSeries) -> ElementTree.Element:
    return ElementTree.fromstring(line_chart(series, title="a < b & c", y_label="loss"))


def spots(curve: ElementTree.Element) -> list[tuple[float, float]]:
    return [(float(x), float(y)) for x, y in (spot.split(",") for spot in curve.attrib["points"].split())]


def test_curves_keep_their_shape() -> None:
    up, flat = drawn(ChartSeries("up", [(0, 1), (50, 2), (100, 3)]), ChartSeries("flat", [(0, 2), (100, 2)])).iter(
        f"{SVG}polyline"
    )
    (x0, y0), (x1, y1), (x2, y2) = spots(up)
    assert (x1 - x0, y0 - y1) == (pytest.approx(x2 - x1, abs=0.2), pytest.approx(y1 - y2, abs=0.2))
    assert x2 > x0
    assert y2 < y0  # upwards is to smaller y
    assert spots(flat)[0][1] == spots(flat)[1][1] == y1
    assert up.attrib["stroke"] != flat.attrib["stroke"]


def test_everything_lies_inside_the_picture() -> None:
    chart = drawn(*(ChartSeries(f"a long name of a run {n}", [(n, -1e9), (1e7, 1e-9)], dashed=True) for n in range(20)))
    _, _, width, height = map(float, chart.attrib["viewBox"].split())
    for curve in chart.iter(f"{SVG}polyline"):
        assert all(0 < x < width and 0 < y < height for x, y in spots(curve))
    assert all(0 <= float(text.attrib["x"]) < width for text in chart.iter(f"{SVG}text"))
    assert "a long name of a run 19" in [text.text for text in chart.iter(f"{SVG}text")]


@pytest.mark.parametrize("points", [[], [(5, 2.0)], [(0, 0.0), (1, 0.0)], [(0, 1.0), (1, math.nan), (2, math.inf)]])
def test_little_to_draw_is_drawn(points: list[tuple[float, float]]) -> None:
    text = line_chart([ChartSeries("one", points)], title="t")
    assert "nan" not in text
    assert "inf" not in text
    ElementTree.fromstring(text)


def test_names_are_text_and_not_markup() -> None:
    chart = drawn(ChartSeries("<script>", [(0, 1), (1, 2)]))
    assert [one.text for one in chart.iter(f"{SVG}title")] == ["a < b & c"]
    assert list(chart.iter(f"{SVG}script")) == []


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [(0, 1, [0, 0.2, 0.4, 0.6, 0.8, 1.0]), (2.1, 9.7, [2, 4, 6, 8, 10]), (3, 3, [2.7, 2.8, 2.9, 3.0, 3.1, 3.2, 3.3])],
)
def test_ticks_are_round(low: float, high: float, expected: list[float]) -> None:
    assert ticks(low, high, 6) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("value", "text"), [(0, "0"), (0.25, "0.25"), (1e-4, "0.0001"), (20_000, "20k"), (1.5e6, "1.5M"), (3e9, "3G")]
)
def test_numbers_are_short(value: float, text: str) -> None:
    assert short_number(value) == text


def test_a_long_curve_keeps_its_peaks() -> None:
    points = [(float(step), 1.0) for step in range(100_000)]
    points[54_321] = (54_321.0, 9.0)
    kept = shortened(points)
    assert len(kept) <= MOST_POINTS + 2
    assert (54_321.0, 9.0) in kept
    assert kept == sorted(kept)
