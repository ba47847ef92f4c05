from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn import functional
from torch.utils._python_dispatch import TorchDispatchMode

from bertkit.model.chunked_loss import HardTargets, SampledTargets, SoftTargets, chunked_loss, chunked_loss_reference
from tests.model.products import Products

VOCABULARY, WIDTH = 99, 7
ROW_BYTES = 4 * VOCABULARY


def inputs(rows: int, dtype: torch.dtype = torch.float32, seed: int = 0) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    x_ME, table_VE, bias_V = (
        torch.randn(shape, generator=generator).to(dtype).requires_grad_()
        for shape in ((rows, WIDTH), (VOCABULARY, WIDTH), (VOCABULARY,))
    )
    return x_ME, table_VE, bias_V, torch.randint(VOCABULARY, (rows,), generator=generator)


def gradients(loss: Tensor, *parameters: Tensor) -> tuple[Tensor, ...]:
    return torch.autograd.grad(3.0 * loss, parameters)


@pytest.mark.parametrize("chunk_bytes", [1, 3 * ROW_BYTES, 13 * ROW_BYTES, 100 * ROW_BYTES])
@pytest.mark.parametrize("rows", [1, 3, 12, 13, 14, 26])
def test_equals_the_slow_twin(rows: int, chunk_bytes: int) -> None:
    x_ME, table_VE, bias_V, ids_M = inputs(rows)
    loss, correct = chunked_loss(x_ME, table_VE, bias_V, HardTargets(ids_M), chunk_bytes=chunk_bytes)
    expected, expected_correct = chunked_loss_reference(x_ME, table_VE, bias_V, ids_M)
    torch.testing.assert_close(loss, expected, rtol=1e-6, atol=0)
    assert correct == expected_correct
    parameters = (x_ME, table_VE, bias_V)
    for ours, theirs in zip(gradients(loss, *parameters), gradients(expected, *parameters), strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-5, atol=1e-5)


def test_counts_what_is_correct() -> None:
    x_ME, table_VE, bias_V, _ = inputs(13)
    ids_M = (x_ME @ table_VE.T + bias_V).argmax(dim=-1)
    ids_M[4] = (ids_M[4] + 1) % VOCABULARY
    _, correct = chunked_loss(x_ME, table_VE, bias_V, HardTargets(ids_M), chunk_bytes=3 * ROW_BYTES)
    assert correct == 12
    assert not correct.requires_grad


def test_no_row_gives_a_zero_that_has_a_gradient() -> None:
    x_ME, table_VE, bias_V, ids_M = inputs(0)
    loss, correct = chunked_loss(x_ME, table_VE, bias_V, HardTargets(ids_M))
    assert (loss.item(), correct.item()) == (0.0, 0.0)
    loss.backward()
    assert table_VE.grad is not None
    assert not table_VE.grad.any()


def test_without_a_bias_and_for_some_of_the_inputs() -> None:
    x_ME, table_VE, _, ids_M = inputs(5)
    loss, _ = chunked_loss(x_ME.detach(), table_VE, None, HardTargets(ids_M), chunk_bytes=ROW_BYTES)
    expected, _ = chunked_loss_reference(x_ME.detach(), table_VE, None, ids_M)
    torch.testing.assert_close(gradients(loss, table_VE), gradients(expected, table_VE))


def test_a_table_used_twice_gets_both_gradients() -> None:
    _, table_VE, bias_V, ids_M = inputs(13)
    tied = [f(table_VE[ids_M.flip(0)], table_VE, bias_V) for f in (chunked(ids_M), plain(ids_M))]
    ours, theirs = (gradients(loss, table_VE)[0] for loss in tied)
    torch.testing.assert_close(ours, theirs, rtol=1e-5, atol=1e-5)


def chunked(ids_M: Tensor) -> Any:
    return lambda *parts: chunked_loss(*parts, HardTargets(ids_M), chunk_bytes=3 * ROW_BYTES)[0]


def plain(ids_M: Tensor) -> Any:
    return lambda *parts: chunked_loss_reference(*parts, ids_M)[0]


@pytest.mark.parametrize("autocast", [True, False], ids=["autocast", "bfloat16 weights"])
def test_bfloat16_errs_no_more_than_the_plain_loss(autocast: bool) -> None:
    x_ME, table_VE, bias_V, ids_M = inputs(40, torch.float32 if autocast else torch.bfloat16)
    parts = (x_ME, table_VE, bias_V)
    truth = gradients(plain(ids_M)(*(part.double() for part in parts)), *parts)
    with torch.autocast("cpu", torch.bfloat16, enabled=autocast):
        losses = chunked(ids_M)(*parts), plain(ids_M)(*parts)
    ours, theirs = (gradients(loss, *parts) for loss in losses)
    assert losses[0].dtype == torch.float32
    for our, their, true in zip(ours, theirs, truth, strict=True):
        assert our.dtype == their.dtype == true.dtype
        assert (our - true).norm() <= 1.5 * (their - true).norm() + 1e-3 * true.norm()


def test_in_bfloat16_products_have_few_shapes() -> None:
    products = Products()
    for rows in range(1, 130):
        x_ME, table_VE, bias_V, ids_M = inputs(rows, torch.bfloat16)
        with products:
            chunked_loss(x_ME, table_VE, bias_V, HardTargets(ids_M), chunk_bytes=77 * ROW_BYTES)
    assert len(products.shapes) == 3 * 2, "three products a chunk, of 32 or 64 rows"


class Largest(TorchDispatchMode):
    """The most elements that a tensor made inside has, among those with memory of their own."""

    elements = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        out = func(*args, **(kwargs or {}))
        known = {arg.untyped_storage().data_ptr() for arg in args if isinstance(arg, Tensor)}
        for tensor in out if isinstance(out, tuple | list) else (out,):
            if isinstance(tensor, Tensor) and tensor.untyped_storage().data_ptr() not in known:
                self.elements = max(self.elements, tensor.numel())
        return out


@pytest.mark.parametrize("soft", [False, True], ids=["hard", "soft"])
def test_no_tensor_grows_with_the_rows(soft: bool) -> None:
    x_ME, table_VE, bias_V, ids_M = inputs(1000)
    teacher_ME = torch.randn(1000, WIDTH)
    criterion = SoftTargets(lambda rows: teacher_ME[rows] @ table_VE.T.detach(), 2.0) if soft else HardTargets(ids_M)
    with Largest() as largest:
        loss, _ = chunked_loss(x_ME, table_VE, bias_V, criterion, chunk_bytes=5 * ROW_BYTES)
        loss.backward()
    assert largest.elements == 1000 * WIDTH  # the gradient of x; all logits would be 99 000
    with Largest() as largest:
        plain(ids_M)(x_ME, table_VE, bias_V)
    assert largest.elements == 1000 * VOCABULARY


def test_nothing_is_kept_where_no_gradient_is_wanted() -> None:
    x_ME, table_VE, bias_V, ids_M = inputs(13)
    with torch.no_grad(), Largest() as largest:
        loss, _ = chunked_loss(x_ME, table_VE, bias_V, HardTargets(ids_M), chunk_bytes=3 * ROW_BYTES)
    assert not loss.requires_grad
    assert largest.elements == 3 * VOCABULARY  # no gradient of the table either, which is larger


@pytest.mark.parametrize("temperature", [1.0, 2.0, 3.5])
def test_soft_targets_equal_the_formula(temperature: float) -> None:
    x_ME, table_VE, bias_V, _ = inputs(13)
    teacher_MV = torch.randn(13, VOCABULARY)
    criterion = SoftTargets(lambda rows: teacher_MV[rows], temperature)
    loss, correct = chunked_loss(x_ME, table_VE, bias_V, criterion, chunk_bytes=3 * ROW_BYTES)
    logits_MV = functional.linear(x_ME, table_VE, bias_V)
    p_MV, q_MV = torch.softmax(teacher_MV / temperature, -1), torch.softmax(logits_MV / temperature, -1)
    expected = (p_MV * (p_MV.log() - q_MV.log())).sum() * temperature**2
    torch.testing.assert_close(loss, expected, rtol=1e-5, atol=1e-5)
    assert correct == (logits_MV.argmax(-1) == teacher_MV.argmax(-1)).sum()
    parameters = (x_ME, table_VE, bias_V)
    for ours, theirs in zip(gradients(loss, *parameters), gradients(expected, *parameters), strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-5)


def test_sampled_tokens_are_as_frequent_as_they_are_likely() -> None:
    torch.manual_seed(0)
    rows = 20_000
    bias_V = torch.tensor([0.0, 1.0, 2.0, -20.0])
    targets = SampledTargets(torch.zeros(rows, dtype=torch.long))
    x_ME, table_VE = torch.zeros(rows, 1), torch.zeros(4, 1)
    loss, correct = chunked_loss(x_ME, table_VE, bias_V, targets, chunk_bytes=16 * 999)
    shares_V = targets.sampled_M.bincount(minlength=4) / rows
    torch.testing.assert_close(shares_V, torch.softmax(bias_V, dim=0), rtol=0, atol=0.01)
    hard, hard_correct = chunked_loss(x_ME, table_VE, bias_V, HardTargets(targets.hard.ids_M))
    torch.testing.assert_close(loss, hard)
    assert correct == hard_correct
