"""One self-contained page that compares runs: a table, curves, and where their configurations differ."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from bertkit.config.training_file import flat
from bertkit.reports.charts import ChartSeries, line_chart
from bertkit.reports.page import chart, page, table
from bertkit.reports.run_summary import RunSummary
from bertkit.runs.metrics_file import evaluations, names_of

FIRST = ("loss", "learning_rate", "tokens_per_second")  # measures of every run; those of its tasks have a `/`
KINDS = {"pre-training": True, "fine-tuning": False}
LABELS = {
    "learning_rate": "learning rate",
    "tokens_per_second": "tokens a second",
    "pseudo_perplexity": "pseudo-perplexity",
}


Table = tuple[Sequence[str], Sequence[Sequence[str]]]


def runs_page(runs: Sequence[RunSummary], tables: Sequence[Table]) -> str:
    """The page as HTML, which needs no other file and no script.

    Args:
        tables: of the runs, in words: a header, and a row a run.
    """
    changes = differences(runs)
    parts = [
        *(table(header, rows) for header, rows in tables),
        *_curves(runs),
    ]
    if len(runs) > 1:
        parts.append("<h2>Where the configurations differ</h2>")
        names = ["", *(run.name for run in runs)]
        parts.append(table(names, [[key, *values] for key, values in changes]) if changes else "<p>Nowhere.</p>")
    return page("Training runs", f"{len(runs)} training run{'s' if len(runs) > 1 else ''}", parts)


def _curves(runs: Sequence[RunSummary]) -> Iterator[str]:
    """Charts of each kind of run on their own: what the one measures says nothing of the other."""
    kinds = {
        name: [run for run in runs if (run.task is None) == is_pretrained] for name, is_pretrained in KINDS.items()
    }
    there = {name: some for name, some in kinds.items() if some}
    for name, some in there.items():
        yield f"<h2>Curves{f' of {name}' if len(there) > 1 else ''}</h2>"
        yield "<p>Solid: in training. Dashed: on held-out data.</p>"
        charts = "\n".join(_chart(some, measure) for measure in measures(some))
        yield f'<div class="charts">{charts}</div>'


def measures(runs: Sequence[RunSummary]) -> list[str]:
    """What there are curves of, the loss first and speed last."""
    tasks = [name for ending in ("/loss", "/accuracy") for run in runs for name in names_of(run.records, ending)]
    held_out = [name for run in runs for one in evaluations(run.records) for name in one if name != "step"]
    found = dict.fromkeys(["loss", *sorted(set(tasks), key=tasks.index), *held_out, *FIRST[1:]])
    return [name for name in found if any(run.training(name) or run.held_out(name) for run in runs)]


def differences(runs: Sequence[RunSummary]) -> list[tuple[str, list[str]]]:
    """Each key of the configuration that is not alike in all runs, with its value in each; the folder left out."""
    flats = [flat(run.config) for run in runs]
    keys = dict.fromkeys(key for values in flats for key in values if key != "run.directory")
    found = [(key, [_shown(values.get(key)) for values in flats]) for key in keys]
    return [(key, values) for key, values in found if len(set(values)) > 1]


def _chart(runs: Sequence[RunSummary], name: str) -> str:
    series = []
    for place, run in enumerate(runs):
        if found := run.training(name):
            series.append(ChartSeries(run.name, found, place))
        if found := run.held_out(name):
            series.append(ChartSeries(f"{run.name}, held out", found, place, dashed=True))
    task, _, measure = name.rpartition("/")
    title = f"{task} {LABELS.get(measure, measure)}".strip()
    return chart(lambda width: line_chart(series, title=title, width=width))


def _shown(value: object) -> str:
    return "–" if value is None else str(value)  # noqa: RUF001
