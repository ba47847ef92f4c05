"""`bertkit prepare --audit SHARDS`: what is in shards, and what pre-training makes of them. Without torch."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from bertkit.config.training import Sequences
    from bertkit.data.audit import Audit, Example, Histogram

BAR_CELLS = 40


def audit(folder: str, *, sequences: Sequences, length: int, picture: str | None, json: bool) -> None:
    """Prints the audit of a folder of shards, as text or as one JSON record, and writes its picture where asked for.

    Args:
        picture: an HTML file that needs nothing beside it.

    Raises:
        InputError: the folder has no shards, or none that the arrangement can use.
        OutputError: the picture cannot be written.
    """
    from bertkit.cli.audit_picture import page
    from bertkit.cli.output import json_line
    from bertkit.cli.progress import progress_bar
    from bertkit.data import audit as audits
    from bertkit.data.shards import TOKENIZER, open_shards
    from bertkit.tokenization.tokenizer import Tokenizer

    shards = open_shards(Path(folder))
    tokenizer = Tokenizer.load(shards.folder / TOKENIZER)
    with progress_bar("M tokens", shown=True, decimals=1) as tick:
        report = audits.audit(
            shards, tokenizer, arrangement=sequences, length=length, progress=lambda tokens: tick(tokens / 1e6)
        )
    if picture is not None:
        from bertkit.checkpoints.folders import atomic_file

        with atomic_file(Path(picture)) as file:
            file.write(page(report))
    typer.echo(json_line(report.record(), "audit") if json else "\n".join(lines(report)))


def lines(report: Audit) -> list[str]:
    """The report as text."""
    from bertkit.cli.info import described

    return [
        *described(facts(report)),
        *_bars("tokens of a sentence", report.sentence_lengths),
        *_bars("tokens of a document", report.document_lengths),
        *_bars("tokens of a sample", report.sample_lengths),
        "samples",
        *(line for example in report.examples for line in _shown(example)),
    ]


def facts(report: Audit) -> dict[str, object]:
    """The numbers of the report in words, in groups."""
    filling = report.filling
    made: dict[str, object] = {
        "samples of an epoch": report.samples,
        "sentences left out": _part(report.left_out_sentences, report.left_out_share),
        "samples trimmed": _part(report.trimmed_samples, report.trimmed_samples_share),
        "tokens trimmed": _part(report.trimmed_tokens, report.trimmed_tokens_share),
        "masked": f"{report.masked_share:.2%} of the text's tokens",
    }
    if report.not_next_share is not None:
        label = "second part from elsewhere" if report.arrangement == "next-sentence" else "parts in the wrong order"
        made[label] = f"{report.not_next_share:.2%}"
    if report.false_pairs is not None:
        false = report.false_pairs
        made["falsely not next"] = (
            f"{false.share:.2%} of {false.examined:,} looked at: same document {false.same_document}, near duplicates "
            f"{false.near_duplicates}, overlaps {false.overlaps}, same opening {false.same_opening}"
        )
    return {
        report.folder: {
            "documents": report.documents,
            "sentences": report.sentences,
            "tokens": report.tokens,
            "duplicate documents": _part(report.duplicate_documents, report.duplicate_share),
            "unknown tokens": f"{report.unknown_share:.3%}",
            "other special tokens": f"{report.special_share:.3%}",
        },
        f"{report.arrangement}, length {report.length}": made,
        f"batches of {filling.batch_tokens:,} tokens": {
            "filled": f"{filling.share:.2%}, over {filling.batches} batches",
            "if padded to the length": f"{filling.padded_to_length:.2%} would be tokens",
            "if padded to the longest": f"{filling.padded_to_longest:.2%} would be tokens",
        },
    }


def _part(count: int, share: float) -> str:
    return f"{count:,} ({share:.2%})"


def _bars(title: str, histogram: Histogram) -> list[str]:
    head = f"{title}: mean {histogram.mean:.1f}, median {histogram.median:,}, longest {histogram.longest:,}"
    most = max(histogram.counts)
    rows = [
        f"  {low:>9,} to {high - 1:<9,} {'█' * round(BAR_CELLS * count / most):<{BAR_CELLS}} {count:,}"
        for low, high, count in zip(histogram.edges, histogram.edges[1:], histogram.counts, strict=False)
        if count
    ]
    return [head, *rows]


def _shown(example: Example) -> list[str]:
    return [f"  second part {example.second}" if example.second else "  sequence", f"    {example.text}"]
