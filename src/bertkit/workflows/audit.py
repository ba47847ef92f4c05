"""Audit, the whole job: what is in shards, and what pre-training makes of them. Without torch."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from bertkit.checkpoints.folders import atomic_file
from bertkit.config.preparing import AuditConfig
from bertkit.corpora.shards import TOKENIZER, open_shards
from bertkit.reports.audit_page import audit_page
from bertkit.sampling.audit import Audit
from bertkit.sampling.audit import audit as audit_shards
from bertkit.tokenization.tokenizer import Tokenizer


def audit(config: AuditConfig, *, progress: Callable[[int], None] = lambda tokens: None) -> Audit:
    """Measures shards, and writes a page of pictures, which needs nothing beside it, where one is asked for.

    Args:
        progress: called with numbers of tokens that have been read.

    Raises:
        InputError: the folder has no shards, or none that the arrangement can use.
        OutputError: the picture cannot be written.
    """
    shards = open_shards(Path(config.shards))
    tokenizer = Tokenizer.load(shards.folder / TOKENIZER)
    found = audit_shards(shards, tokenizer, arrangement=config.sequences, length=config.length, progress=progress)
    if config.picture is not None:
        with atomic_file(Path(config.picture)) as file:
            file.write(audit_page(found))
    return found
