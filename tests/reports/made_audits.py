"""Audits that are made up."""

from __future__ import annotations

from dataclasses import replace

from bertkit.sampling.audit import (
    Audit,
    AuditedSequence,
    BatchesAudit,
    Histogram,
    SamplesAudit,
    TextAudit,
)
from bertkit.sampling.audit_pairs import FalsePairs

LENGTHS = Histogram(edges=[1, 2, 4, 8, 16], counts=[0, 3, 0, 5], mean=6.25, median=9, longest=1234)
MADE = Audit(
    folder="<shards>",
    arrangement="next-sentence",
    length=32,
    text=TextAudit(2000, 5, 6, LENGTHS, LENGTHS, 0.01, 0.02, duplicate_documents=3, duplicate_share=0.0015),
    samples=SamplesAudit(9, LENGTHS, 4, 0.8, 1, 0.1, 7, 0.25, not_next_share=0.4375, false_pairs=FalsePairs(50, 2)),
    batches=BatchesAudit(
        7, 4096, 0.75, 0.5, 0.9, 0.15, [AuditedSequence("a {cat→=} <b>", "follows"), AuditedSequence("plain", None)]
    ),
)
OTHER = replace(MADE, arrangement="documents", samples=replace(MADE.samples, not_next_share=None, false_pairs=None))
