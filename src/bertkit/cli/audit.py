"""`bertkit prepare --audit SHARDS`: what is in shards, and what pre-training makes of them. Without torch."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from bertkit.config.training import Sequences
    from bertkit.sampling.audit import Audit, AuditedSequence, Histogram

BAR_CELLS = 40


def audit(folder: str, *, sequences: Sequences, length: int, picture: str | None, json: bool) -> None:
    """Prints the audit of a folder of shards, as text or as one JSON record, and writes its picture where asked for.

    Args:
        picture: an HTML file that needs nothing beside it.

    Raises:
        InputError: the folder has no shards, or none that the arrangement can use.
        OutputError: the picture cannot be written.
    """
    from bertkit.cli.output import json_line
    from bertkit.config.preparing import AuditConfig
    from bertkit.terminal.progress import progress_bar
    from bertkit.workflows.audit import audit as audited

    config = AuditConfig(shards=folder, sequences=sequences, length=length, picture=picture)
    with progress_bar("M tokens", shown=True, decimals=1) as tick:
        report = audited(config, progress=lambda tokens: tick(tokens / 1e6))
    typer.echo(json_line(report.record(), "audit") if json else "\n".join(lines(report)))


def lines(report: Audit) -> list[str]:
    """The report as text."""
    from bertkit.cli.info import described
    from bertkit.reports.audit_facts import facts

    return [
        *described(facts(report)),
        *_bars("tokens of a sentence", report.text.sentence_lengths),
        *_bars("tokens of a document", report.text.document_lengths),
        *_bars("tokens of a sample", report.samples.lengths),
        "samples",
        *(line for example in report.batches.examples for line in _shown(example)),
    ]


def _bars(title: str, histogram: Histogram) -> list[str]:
    head = f"{title}: mean {histogram.mean:.1f}, median {histogram.median:,}, longest {histogram.longest:,}"
    most = max(histogram.counts)
    rows = [
        f"  {low:>9,} to {high - 1:<9,} {'█' * round(BAR_CELLS * count / most):<{BAR_CELLS}} {count:,}"
        for low, high, count in zip(histogram.edges, histogram.edges[1:], histogram.counts, strict=False)
        if count
    ]
    return [head, *rows]


def _shown(example: AuditedSequence) -> list[str]:
    return [f"  second part {example.second}" if example.second else "  sequence", f"    {example.text}"]
