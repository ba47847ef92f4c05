"""The numbers of an audit in words, as its text and its page both show them."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bertkit.sampling.audit import Audit, SamplesAudit
    from bertkit.sampling.audit_pairs import FalsePairs

Facts = dict[str, object]


def facts(report: Audit) -> dict[str, Facts]:
    """Groups of names and values, by title."""
    text, batches = report.text, report.batches
    return {
        "text": {
            "folder": report.folder,
            "documents": text.documents,
            "sentences": text.sentences,
            "tokens": text.tokens,
            "duplicate documents": _part(text.duplicate_documents, text.duplicate_share),
            "unknown tokens": f"{text.unknown_share:.3%}",
            "other special tokens": f"{text.special_share:.3%}",
        },
        f"samples of an epoch: {report.arrangement}, length {report.length}": _samples(report),
        f"batches of {batches.batch_tokens:,} tokens": {
            "filled": f"{batches.filled:.2%}, over {batches.batches:,} batches",
            "if padded to the length": f"{batches.padded_to_length:.2%} would be tokens",
            "if padded to the longest": f"{batches.padded_to_longest:.2%} would be tokens",
            "masked": f"{batches.masked_share:.2%} of the text's tokens",
        },
    }


def _samples(report: Audit) -> Facts:
    samples: SamplesAudit = report.samples
    shown: Facts = {
        "samples": samples.samples,
        "sentences left out": _part(samples.left_out_sentences, samples.left_out_share),
        "samples trimmed": _part(samples.trimmed_samples, samples.trimmed_samples_share),
        "tokens trimmed": _part(samples.trimmed_tokens, samples.trimmed_tokens_share),
    }
    if samples.not_next_share is not None:
        name = "second part from elsewhere" if report.arrangement == "next-sentence" else "parts in the wrong order"
        shown[name] = f"{samples.not_next_share:.2%}"
    if samples.false_pairs is not None:
        shown["falsely from elsewhere"] = _false(samples.false_pairs)
    return shown


def _false(false: FalsePairs) -> str:
    return (
        f"{false.share:.2%} of {false.examined:,} compared: same document {false.same_document:,}, near duplicates "
        f"{false.near_duplicates:,}, overlaps {false.overlaps:,}, same opening {false.same_opening:,}"
    )


def _part(count: int, share: float) -> str:
    return f"{count:,} ({share:.2%})"
