"""How many tokens go into a batch by default: one table, by the kind of work and of device."""

from __future__ import annotations

from typing import Literal

# Answering rows; reading what is learnt from once, by an encoder that does not learn; measuring between steps of
# training, beside all that training holds; and what a plan assumes, whichever program it is for.
Work = Literal["answer", "read", "measure", "plan"]

# By the kind of device, as torch calls it. A CPU is as fast in small batches, whose tensors stay in its caches.
TABLE: dict[Work, dict[str, int]] = {
    "answer": {"cpu": 2_048, "mps": 4_096, "cuda": 32_768},
    "read": {"cpu": 8_192, "mps": 8_192, "cuda": 8_192},
    "measure": {"cpu": 4_096, "mps": 4_096, "cuda": 4_096},
    "plan": {"cpu": 2_048, "mps": 4_096, "cuda": 16_384},
}


def batch_tokens(work: Work, kind: str) -> int:
    """Most tokens of one batch; a kind of device that the table does not have is taken for a CPU."""
    row = TABLE[work]
    return row.get(kind, row["cpu"])
