"""Hard negatives: for each pair, the texts most like its first one that do not belong to it, by exact search.

Many of the texts that a model finds most alike belong together in truth, though no pair says so. Therefore a text is
taken only where it is clearly less alike than the pair's own: its cosine is at most a share of that of the pair (the
positive-aware threshold `TopK-PercPos` of NV-Retriever, Moreira et al. 2024, https://arxiv.org/abs/2407.15831, there
95 %). Near copies of the pair's own text are left out by the same rule.

Shapes: `P` pairs, `D` documents, `W` width, `N` negatives.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

NONE = -1
SCORES_AT_ONCE = 2**24  # 64 MiB of float32


def hard_negatives(
    firsts_PW: Tensor, documents_DW: Tensor, own_P: Tensor, barred: Sequence[Sequence[int]], count: int, ceiling: float
) -> Tensor:
    """The documents that are most like each first text, (P, N) from the most alike on; `NONE` where there are too few.

    Args:
        firsts_PW, documents_DW: vectors of length 1.
        own_P: which document each first text belongs with.
        barred: the documents that are not to be taken, for each first text.
        count: N.
        ceiling: of the cosine, as a share of that of the pair; below zero it stays as far under it as above.
    """
    found = []
    rows = max(1, SCORES_AT_ONCE // len(documents_DW))
    for start in range(0, len(firsts_PW), rows):
        part = slice(start, start + rows)
        cosines_RD = firsts_PW[part] @ documents_DW.T
        own_R1 = cosines_RD.gather(1, own_P[part, None])
        cosines_RD.masked_fill_(cosines_RD > own_R1 - (1.0 - ceiling) * own_R1.abs(), -torch.inf)
        for row, documents in enumerate(barred[part]):
            cosines_RD[row, list(documents)] = -torch.inf
        best_RN, document_RN = cosines_RD.topk(min(count, len(documents_DW)), dim=1)
        document_RN = document_RN.masked_fill(best_RN == -torch.inf, NONE)
        found.append(torch.nn.functional.pad(document_RN, (0, count - document_RN.shape[1]), value=NONE))
    return torch.cat(found)
