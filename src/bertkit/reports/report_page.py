"""A report as one page: scores with their intervals, labels, confusions, calibration, lengths, the worst mistakes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape

from bertkit.metrics.calibrating import Bin, Calibrated
from bertkit.metrics.classification_scores import Confusion
from bertkit.metrics.error_analysis import AnalysedExample
from bertkit.metrics.intervals import Comparison
from bertkit.reports.beside import Beside
from bertkit.reports.charts import ChartSeries, line_chart
from bertkit.reports.entity_marks import FAULT_STYLE, fault_legend, marked
from bertkit.reports.page import chart, page, table, table_of
from bertkit.reports.report import Report

STYLE = (
    """
td.asked{white-space:normal;overflow-wrap:anywhere;min-width:24rem;max-width:46rem}td.said{white-space:normal}
details[open]>summary{display:none}b{font-weight:600}
@media(max-width:600px){td.asked{min-width:15rem}}
"""
    + FAULT_STYLE
)
SHORT = 300  # letters of a text that are shown at once; the rest opens
MOST_LABELS = 20  # of a matrix that can be looked at
MOST_PAIRS = 30


def report_page(report: Report) -> str:
    """The page as HTML."""
    return page(f"{report.task}: report", f"{report.task}: {report.subject}", _parts(report), STYLE)


def _beside(beside: Beside) -> Iterator[str]:
    yield "<h2>Beside simpler models</h2>"
    yield (
        f"<p>When the model was trained, on the {beside.examples:,} examples that were held out then. Its checkpoint "
        "was chosen by them, so that its score is a little better there than elsewhere; the others were not.</p>"
    )
    rows = {"this model": beside.score, **beside.others}
    yield table(("model", beside.metric), [(name, f"{value:.4f}") for name, value in rows.items()])


def _parts(report: Report) -> Iterator[str]:
    yield f"<p>{report.examples:,} examples. 95 % intervals, by resampling the examples 1,000 times.</p>"
    yield table(("metric", "value", "from", "to"), _metrics(report))
    if report.comparison:
        yield f"<h2>Beside {escape(str(report.against))}</h2>"
        yield "<p>The same resamples for both. p: how often chance alone makes a difference so large.</p>"
        yield table(
            ("metric", "difference", "from", "to", "p"), [_difference(*one) for one in report.comparison.items()]
        )
    if report.beside is not None:
        yield from _beside(report.beside)
    if report.counts:
        yield "<h2>Labels</h2>"
        yield table(*_labels(report))
    if report.confusion is not None:
        yield "<h2>What was taken for what</h2>"
        yield _confusion(report.confusion)
    if report.calibration is not None:
        yield from _calibration(report.calibration, report.each_label)
    elif report.uncalibrated:
        yield f"<h2>Calibration</h2><p>None: {escape(report.uncalibrated)}.</p>"
    if report.abstained is not None:
        share, accuracy = report.abstained
        others = "" if accuracy is None else f" Of the others {accuracy:.4f} are right."
        yield f"<h2>Abstaining</h2><p>The model had rather not answered {share:.4f} of the examples.{others}</p>"
    yield "<h2>Length against error</h2>"
    yield f'<div class="charts">{_lengths(report)}</div>'
    yield "<h2>The worst mistakes</h2>"
    if report.faults:
        yield fault_legend(report.faults)
    shown = f"{len(report.mistakes):,} of {report.wrong:,}"
    yield (
        f"<p>{shown} that are not wholly right; the surest and most wrong come first. "
        "All of them are in the file .mistakes.csv beside this page.</p>"
    )
    if any(one.marks is not None for one in report.mistakes):
        yield table_of(("where", "right above, said below"), map(_marked_mistake, report.mistakes))
    else:
        yield table_of(("where", "text", "right", "said"), map(_mistake, report.mistakes))


def _metrics(report: Report) -> list[list[str]]:
    rows = []
    for name, value in report.metrics.items():
        interval = report.intervals.get(name)
        ends = ("", "") if interval is None else (f"{interval.low:.4f}", f"{interval.high:.4f}")
        rows.append([name, f"{value:.4f}", *ends])
    return rows


def _difference(name: str, one: Comparison) -> list[str]:
    return [name, f"{one.difference:+.4f}", f"{one.low:+.4f}", f"{one.high:+.4f}", f"{one.p_value:.3f}"]


def _labels(report: Report) -> tuple[list[str], list[list[str]]]:
    header = ["label", "precision", "recall", "f1", "right", "wrongly given", "missed"]
    rows = []
    for label, one in report.counts.items():
        numbers = (one.correct, one.predicted - one.correct, one.gold - one.correct)
        row = [
            label,
            f"{one.precision:.4f}",
            f"{one.recall:.4f}",
            f"{one.f1:.4f}",
            *(f"{number:,}" for number in numbers),
        ]
        rows.append(row + ([f"{one.neither(report.examples):,}"] if report.each_label else []))
    return header + (["rightly not given"] if report.each_label else []), rows


def _confusion(confusion: Confusion) -> str:
    """The matrix, its cells the darker the larger their share of the row; of many labels the most frequent mistakes."""
    labels, counts_CC = confusion.labels, confusion.counts_CC
    if len(labels) <= MOST_LABELS:
        rows = []
        for number, (label, counts_C) in enumerate(zip(labels, counts_CC.tolist(), strict=True), 1):
            most = max(sum(counts_C), 1)
            cells = (
                f'<td class="number" style="background:rgba(59,130,196,{0.75 * count / most:.2f})">{count:,}</td>'
                for count in counts_C
            )
            rows.append([f"<td>{number} {escape(label)}</td>", *cells])
        told = "<p>A row for each right label, a column for each that was said, by the numbers of the rows.</p>"
        return told + table_of(["", *map(str, range(1, len(labels) + 1))], rows, [False, *[True] * len(labels)])
    mistakes = [
        (int(counts_CC[right, said]), labels[right], labels[said])
        for right in range(len(labels))
        for said in range(len(labels))
        if right != said and counts_CC[right, said]
    ]
    mistakes.sort(key=lambda one: -one[0])
    rows_shown = [[right, said, f"{count:,}"] for count, right, said in mistakes[:MOST_PAIRS]]
    told = f"{len(rows_shown):,} of {len(mistakes):,} confusions, the most frequent first; the JSON record has all."
    return f"<p>{told}</p>" + table(("right", "said", "examples"), rows_shown)


def _calibration(one: Calibrated, each_label: bool) -> Iterator[str]:
    whose = "Every label of every example" if each_label else "The best label of every example"
    yield "<h2>Calibration</h2>"
    yield (
        f"<p>{whose}: how likely it is said to be right, and how often it is. Expected calibration error "
        f"{one.error_before:.4f} as answered, {one.error_after:.4f} with a temperature that was fitted on the other "
        f"half of the examples. On all of them the temperature is {one.temperature:.4f}.</p>"
    )
    curves = [
        ChartSeries("as sure as right", [(0.0, 0.0), (1.0, 1.0)], 7),
        ChartSeries("as answered", _curve(one.before), 1, dashed=True),
        ChartSeries("with a temperature", _curve(one.after), 0, dashed=True),
    ]
    words = {"title": "Calibration", "x_label": "said to be right", "y_label": "share that is right"}
    yield f'<div class="charts">{chart(lambda width: line_chart(curves, width=width, **words))}</div>'
    header = ("", "said", "right", "decisions")
    rows = [
        [name, f"{each.confidence:.4f}", f"{each.right:.4f}", f"{each.decisions:,}"]
        for name, bins in (("as answered", one.before), ("with a temperature", one.after))
        for each in bins
    ]
    yield f"<details><summary>The points</summary>{table(header, rows)}</details>"


def _curve(bins: Sequence[Bin]) -> list[tuple[float, float]]:
    return [(one.confidence, one.right) for one in bins]


def _lengths(report: Report) -> str:
    lengths = report.lengths
    points = [(part.length, part.error) for part in lengths.parts]
    series = [ChartSeries("parts of about as many examples", points, 0, dashed=True)]
    words = {"title": "Length against error", "x_label": lengths.unit, "y_label": report.errors}
    drawn = chart(lambda width: line_chart(series, width=width, **words))
    rows = [
        [f"{part.shortest:,} to {part.longest:,}", f"{part.examples:,}", f"{part.error:.4f}"] for part in lengths.parts
    ]
    return drawn + table((lengths.unit, "examples", report.errors), rows)


def _mistake(one: AnalysedExample) -> list[str]:
    named = len(one.asked) > 1
    texts = "<br>".join((f"<b>{name}</b> " if named else "") + _text(text) for name, text in one.asked.items())
    said = (f'<td class="said">{escape(words)}</td>' for words in (one.right, one.said))
    return [f"<td>{escape(one.place)}</td>", f'<td class="asked">{texts}</td>', *said]


def _marked_mistake(one: AnalysedExample) -> list[str]:
    assert one.marks is not None
    return [f"<td>{escape(one.place)}</td>", f'<td class="asked">{marked(one.asked["text"], one.marks)}</td>']


def _text(text: str) -> str:
    """The text; the end of a long one is there, and opens."""
    if len(text) <= SHORT:
        return escape(text)
    return f"<details><summary>{escape(text[:SHORT])}…</summary>{escape(text)}</details>"
