from __future__ import annotations

import numpy as np
import pytest
import torch

from bertkit.finetuning import hard_negatives as module
from bertkit.finetuning.hard_negatives import NONE, hard_negatives


def unit(*rows: list[float]) -> torch.Tensor:
    return torch.nn.functional.normalize(torch.tensor(rows), dim=1)


def test_the_most_alike_that_is_clearly_less_alike_than_the_own() -> None:
    angles = torch.tensor([0.0, 0.05, 0.3, 0.6, 1.2, 3.0])  # of the documents, from the first text
    documents_DW = torch.stack([angles.cos(), angles.sin()], dim=1)
    first_PW = unit([1.0, 0.0])
    # The own text is document 2, of cosine 0.955: left out are those above 0.908, which are 0 and 1.
    assert hard_negatives(first_PW, documents_DW, torch.tensor([2]), [[2]], 2, 0.95).tolist() == [[3, 4]]
    assert hard_negatives(first_PW, documents_DW, torch.tensor([2]), [[2, 3]], 2, 0.95).tolist() == [[4, 5]]
    assert hard_negatives(first_PW, documents_DW, torch.tensor([2]), [[2]], 5, 0.3).tolist() == [[5, *[NONE] * 4]]
    assert hard_negatives(first_PW, documents_DW, torch.tensor([2]), [[]], 9, 1.0).tolist() == [
        [2, 3, 4, 5, *[NONE] * 5]
    ]


def test_an_own_text_that_is_unlike() -> None:
    documents_DW = unit([-1.0, 0.0], [-1.0, 0.2], [-1.0, 0.75])
    found = hard_negatives(unit([1.0, 0.0]), documents_DW, torch.tensor([2]), [[2]], 2, 0.95)
    assert found.tolist() == [[1, 0]]  # -0.8 is the own cosine, and -0.84 the ceiling


@pytest.mark.parametrize("at_once", [1, 100, 2**24])
def test_all_rows_as_one_by_one(at_once: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SCORES_AT_ONCE", at_once)
    random = torch.Generator().manual_seed(1)
    documents_DW = torch.nn.functional.normalize(torch.randn(30, 8, generator=random), dim=1)
    firsts_PW = torch.nn.functional.normalize(torch.randn(20, 8, generator=random), dim=1)
    own_P = torch.randint(30, (20,), generator=random)
    barred = [[int(own), (int(own) + 7) % 30] for own in own_P]
    found = hard_negatives(firsts_PW, documents_DW, own_P, barred, 4, 0.9).tolist()
    cosines_PD = (firsts_PW @ documents_DW.T).numpy()
    for row, (own, left_out) in enumerate(zip(own_P.tolist(), barred, strict=True)):
        limit = cosines_PD[row, own] - 0.1 * abs(cosines_PD[row, own])
        order = np.argsort(-cosines_PD[row])
        expected = [int(at) for at in order if cosines_PD[row, at] <= limit and at not in left_out][:4]
        assert found[row] == expected + [NONE] * (4 - len(expected))
