from __future__ import annotations

from xml.etree import ElementTree

import pytest

from bertkit.reports.bars import Bar, bar_chart

SVG = "{http://www.w3.org/2000/svg}"


def drawn(*bars: Bar) -> ElementTree.Element:
    return ElementTree.fromstring(bar_chart(bars, title="a < b", unit="tokens & more"))


def test_bars_are_as_long_as_their_values() -> None:
    back, one, two = drawn(Bar("one", 100.0), Bar("two", 50.0, colour=1)).iter(f"{SVG}rect")
    assert back.attrib["class"] == "back"
    assert float(one.attrib["width"]) == pytest.approx(2 * float(two.attrib["width"]), abs=0.2)
    assert one.attrib["fill"] != two.attrib["fill"]


def test_what_was_expected_is_marked() -> None:
    chart = drawn(Bar("one", 100.0, (50.0, 25.0, 200.0)), Bar("two", 100.0))
    (mark,) = chart.iter(f"{SVG}path")
    (line,) = (one for one in chart.iter(f"{SVG}line") if one.attrib["class"] == "axis")
    at = float(mark.attrib["d"].split()[0].removeprefix("M"))
    assert float(line.attrib["x1"]) < at < float(line.attrib["x2"])


def test_everything_lies_inside() -> None:
    chart = drawn(*(Bar(f"a very long name of a machine, number {n}", 10.0**n, (10.0**n, 0.0, 3e9)) for n in range(9)))
    _, _, width, height = map(float, chart.attrib["viewBox"].split())
    for text in chart.iter(f"{SVG}text"):
        assert 0 <= float(text.attrib["x"]) < width
        assert 0 < float(text.attrib["y"]) < height
    assert "…" in "".join(chart.itertext())


def test_nothing_measured() -> None:
    assert drawn(Bar("none", 0.0)) is not None
    assert drawn() is not None
