from __future__ import annotations

import pytest
import torch

from bertkit.model.quantising import (
    BYTES,
    LARGEST,
    MIDDLE,
    NARROW,
    dequantise_rows,
    narrowed,
    quantise_rows,
    rows_to_bytes,
    to_bytes,
)


@pytest.mark.parametrize("scale_dtype", [torch.float32, torch.float16], ids=str)
def test_a_row_is_within_half_a_step_and_quantised_again_the_same(scale_dtype: torch.dtype) -> None:
    weight_OI = torch.randn(7, 33, generator=torch.Generator().manual_seed(0)) * torch.logspace(-3, 2, 7)[:, None]
    whole_OI, scale_O = quantise_rows(weight_OI, scale_dtype)
    assert whole_OI.dtype == torch.int8
    assert scale_O.dtype == scale_dtype
    assert whole_OI.abs().amax(1).tolist() == [LARGEST] * 7
    back_OI = dequantise_rows(whole_OI, scale_O)
    room = 0.5 if scale_dtype == torch.float32 else 0.6  # of a scale that was rounded itself
    assert ((back_OI - weight_OI).abs() <= room * scale_O.float()[:, None]).all()
    assert torch.equal(quantise_rows(back_OI, scale_dtype)[0], whole_OI)


def test_a_row_of_zeros_stays_one() -> None:
    whole_OI, scale_O = quantise_rows(torch.zeros(2, 5))
    assert dequantise_rows(whole_OI, scale_O).tolist() == [[0.0] * 5] * 2


def test_seven_bits_are_the_same_numbers_more_coarsely() -> None:
    weight_OI = torch.randn(5, 64, generator=torch.Generator().manual_seed(0))
    whole_OI, scale_O = narrowed(*quantise_rows(weight_OI))
    assert whole_OI.abs().max() == NARROW
    assert (dequantise_rows(whole_OI, scale_O) - weight_OI).abs().max() < 1.1 * scale_O.max()


def test_rows_become_bytes_from_their_least_number_to_their_largest() -> None:
    x_TI = torch.tensor([[-1.0, 0.0, 4.1], [2.0, 3.0, 5.1], [0.0, 0.0, 0.0], [-7.0, -1.0, -2.0]])
    bytes_TI, scale_T1, centre_T1 = rows_to_bytes(x_TI)
    assert bytes_TI.dtype == torch.uint8
    back_TI = (bytes_TI.float() - MIDDLE) * scale_T1 + centre_T1
    assert ((back_TI - x_TI).abs() <= scale_T1 * 0.51).all()
    assert bytes_TI[0].tolist() == [0, 50, BYTES]
    assert bytes_TI[3, 0] == 0


def test_a_row_in_a_batch_is_the_row_alone() -> None:
    x_TI = torch.randn(9, 31, generator=torch.Generator().manual_seed(0))
    together = rows_to_bytes(x_TI)
    for row in range(9):
        for all_of, one in zip(together, rows_to_bytes(x_TI[row : row + 1]), strict=True):
            assert torch.equal(all_of[row : row + 1], one)


def test_scales_of_columns_and_what_is_out_of_range() -> None:
    scale_I, centre_I = torch.tensor([0.1, 1.0, 1.0]), torch.tensor([0.0, 10.0, 0.0])
    bytes_TI = to_bytes(torch.tensor([[0.3, 11.0, 500.0], [-0.1, 10.0, -500.0]]), scale_I, centre_I)
    assert bytes_TI.tolist() == [[131, 129, 255], [127, 128, 0]]


def test_not_finite_rows_do_not_become_finite() -> None:
    _, scale_T1, _ = rows_to_bytes(torch.tensor([[torch.nan, 1.0], [torch.inf, 1.0]]))
    assert not scale_T1.isfinite().any()
