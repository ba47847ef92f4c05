from __future__ import annotations

import torch

from bertkit.compression.fixed_scales import column_scales, one_scale
from bertkit.compression.observing import Extremes
from bertkit.model.quantising import MIDDLE, to_bytes


def extremes(x_TI: torch.Tensor) -> Extremes:
    return Extremes(x_TI.amin(0), x_TI.amax(0))


def test_all_that_was_seen_has_a_byte() -> None:
    torch.manual_seed(0)
    x_TI = torch.randn(50, 8) * torch.tensor([1, 1, 1, 300, 1, 0, 1, 1]) + torch.tensor([0, 50, 0, 0, 0, 7, 0, 0])
    scale_I, centre_I = column_scales(extremes(x_TI), torch.randn(16, 8))
    back_TI = (to_bytes(x_TI, scale_I, centre_I).float() - MIDDLE) * scale_I + centre_I
    assert ((back_TI - x_TI).abs() <= 0.51 * scale_I).all()


def test_a_column_that_is_always_large_does_not_spoil_the_others() -> None:
    torch.manual_seed(0)
    x_TI, weight_OI = torch.randn(50, 8) * torch.tensor([1, 1, 1, 300, 1, 1, 1, 1]), torch.randn(16, 8)
    scale_I, _ = column_scales(extremes(x_TI), weight_OI)
    scale, _ = one_scale(extremes(x_TI))
    assert scale_I[3] > scale_I[[0, 1, 2, 4, 5, 6, 7]].max() * 10
    assert scale_I[0] < scale / 5


def test_one_scale_has_a_byte_for_0() -> None:
    for x_TI in (torch.rand(9, 4) + 2, -torch.rand(9, 4) - 2, torch.randn(9, 4), torch.zeros(9, 4)):
        scale, centre = one_scale(extremes(x_TI)).flatten().tolist()
        assert abs(centre / scale - round(centre / scale)) < 1e-3
        assert 0 <= MIDDLE - round(centre / scale) <= 255
