"""Losses over a large vocabulary without its logits: rows go through in chunks, and what is kept are gradients.

Masked language modelling has a logit for each piece of the vocabulary at each masked token. For 5,000 masked tokens and
30,522 pieces these are 610 MB in float32, and a softmax and a gradient of that size come with them. But the loss
is a sum over rows, so a chunk of rows can be done with before the next begins:

    logits = x tableᵀ + bias            of this chunk's rows only
    G      = gradient of the loss with respect to the logits; for cross entropy softmax(logits) - one hot
    grad x = G table                    the chunk's rows, kept
    grad table += Gᵀ x,   grad bias += sum of the rows of G

and then logits and G are let go. The gradients are computed in the forward pass, while the logits are there, which
saves computing them a second time; the backward pass only multiplies them by the gradient of the loss itself. The slow
twin is `chunked_loss_reference`.

Shapes: `M` rows, `E` their width, `V` vocabulary, `R` rows of one chunk, `F` the same filled up.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.nn import functional

from bertkit.config.kernels import logits_chunk_bytes
from bertkit.model.shape_buckets import FULL_ROWS, full

# From the logits of a chunk and which of the M rows they are: the sum of the rows' losses, how many of the rows are
# predicted correctly, and the gradient of that sum with respect to the logits. May overwrite the logits.
Criterion = Callable[[Tensor, slice], tuple[Tensor, Tensor, Tensor]]


class HardTargets:
    """Cross entropy with one right answer a row.

    Args:
        ids_M: the right answers.
    """

    def __init__(self, ids_M: Tensor) -> None:
        self.ids_M = ids_M

    def __call__(self, logits_RV: Tensor, rows: slice) -> tuple[Tensor, Tensor, Tensor]:
        """A `Criterion`."""
        ids_R = self.ids_M[rows]
        correct = (logits_RV.argmax(dim=-1) == ids_R).sum()
        logs_RV = torch.log_softmax(logits_RV, dim=-1)
        loss = -logs_RV.gather(1, ids_R[:, None]).sum()
        gradient_RV = logs_RV.exp_()  # softmax, in the memory of its logarithm
        gradient_RV.scatter_add_(1, ids_R[:, None], gradient_RV.new_full((len(ids_R), 1), -1.0))
        return loss, correct, gradient_RV


class SampledTargets:
    """`HardTargets` that also draws a token for each row from the distribution that the row predicts.

    Args:
        ids_M: the right answers.

    Attributes:
        sampled_M: the drawn tokens, once the loss has been computed. Drawing has no gradient.
    """

    def __init__(self, ids_M: Tensor) -> None:
        self.hard = HardTargets(ids_M)
        self.sampled_M = torch.empty_like(ids_M)

    def __call__(self, logits_RV: Tensor, rows: slice) -> tuple[Tensor, Tensor, Tensor]:
        """A `Criterion`."""
        # The largest of logits with Gumbel noise is a draw from their softmax; -log of an exponential is such noise.
        noise_RV = torch.empty_like(logits_RV).exponential_().log_()
        self.sampled_M[rows] = (logits_RV - noise_RV).argmax(dim=-1)
        return self.hard(logits_RV, rows)


class SoftTargets:
    """The divergence of the rows from a teacher's, both softened (Hinton et al. 2015, arXiv 1503.02531).

    `temperature² · KL(softmax(teacher / temperature) ‖ softmax(logits / temperature))`: the square keeps the gradient's
    size whatever the temperature. Correct is a row whose likeliest token is the teacher's.

    Args:
        teacher_RV: gives the teacher's logits of some rows, without a gradient.
    """

    def __init__(self, teacher_RV: Callable[[slice], Tensor], temperature: float) -> None:
        self.teacher_RV = teacher_RV
        self.temperature = temperature

    def __call__(self, logits_RV: Tensor, rows: slice) -> tuple[Tensor, Tensor, Tensor]:
        """A `Criterion`."""
        teacher_RV = self.teacher_RV(rows).to(logits_RV.dtype) / self.temperature
        correct = (logits_RV.argmax(dim=-1) == teacher_RV.argmax(dim=-1)).sum()
        wanted_RV = torch.log_softmax(teacher_RV, dim=-1)
        logs_RV = torch.log_softmax(logits_RV.div_(self.temperature), dim=-1)
        # The gradient is temperature · (p - q), for p and q the student's and the teacher's softened distributions: one
        # factor of the square is used up, for the logits were divided by the temperature.
        loss = functional.kl_div(logs_RV, wanted_RV, reduction="sum", log_target=True) * self.temperature**2
        gradient_RV = logs_RV.exp_().sub_(wanted_RV.exp_()).mul_(self.temperature)
        return loss, correct, gradient_RV


def chunked_loss(
    x_ME: Tensor, table_VE: Tensor, bias_V: Tensor | None, criterion: Criterion, *, chunk_bytes: int | None = None
) -> tuple[Tensor, Tensor]:
    """The loss of `x tableᵀ + bias`, summed over the rows, and how many rows are predicted correctly.

    Where a gradient is wanted it is computed with the loss, chunk by chunk: no logits are kept and none are computed
    twice. Products are in autocast's precision where that is on; sums, and the table's gradient, at least in float32.

    Args:
        criterion: what the loss of a row is.
        chunk_bytes: what the float32 logits of one chunk may take, as suits the device; a chunk has at least one row.

    Returns:
        Two scalars of at least float32; only the first has a gradient. No rows give zeros.
    """
    kind = x_ME.device.type
    dtype = torch.promote_types(x_ME.dtype, table_VE.dtype)
    if torch.is_autocast_enabled(kind):
        dtype = torch.get_autocast_dtype(kind)
    rows = max(1, (chunk_bytes or logits_chunk_bytes(kind)) // (4 * len(table_VE)))
    if rows > FULL_ROWS:
        rows -= rows % FULL_ROWS  # nothing to fill up but in the last chunk
    loss, correct = _ChunkedLoss.apply(  # type: ignore[no-untyped-call]
        x_ME, table_VE, bias_V, criterion, dtype, rows, torch.is_grad_enabled()
    )
    return loss, correct


def chunked_loss_reference(
    x_ME: Tensor, table_VE: Tensor, bias_V: Tensor | None, ids_M: Tensor
) -> tuple[Tensor, Tensor]:
    """The slow twin with `HardTargets`: all logits at once, and autograd."""
    logits_MV = functional.linear(x_ME, table_VE, bias_V)
    loss = functional.cross_entropy(logits_MV, ids_M, reduction="sum")
    return loss, (logits_MV.argmax(dim=-1) == ids_M).sum().to(loss.dtype)


class _ChunkedLoss(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,
        x_ME: Tensor,
        table_VE: Tensor,
        bias_V: Tensor | None,
        criterion: Criterion,
        dtype: torch.dtype,
        rows: int,
        recording: bool,
    ) -> tuple[Tensor, Tensor]:
        with torch.autocast(x_ME.device.type, enabled=False):  # `dtype` says already what products are in
            wanted = tuple(recording and wants for wants in ctx.needs_input_grad[:3])
            sums_2, *gradients = _run(x_ME, table_VE, bias_V, criterion, dtype, rows, wanted)
        ctx.save_for_backward(*gradients)
        loss, correct = sums_2.unbind()
        loss, correct = loss.clone(), correct.clone()
        ctx.mark_non_differentiable(correct)
        return loss, correct

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, scale: Tensor, _: Tensor) -> tuple[Tensor | None, ...]:
        # `scale` is the gradient of the loss: the weight of this objective over its number of targets.
        inputs = tuple(None if saved is None else (saved * scale).to(saved.dtype) for saved in ctx.saved_tensors)
        return (*inputs, None, None, None, None)


def _run(
    x_ME: Tensor,
    table_VE: Tensor,
    bias_V: Tensor | None,
    criterion: Criterion,
    dtype: torch.dtype,
    rows: int,
    wanted: tuple[bool, ...],
) -> tuple[Tensor, Tensor | None, Tensor | None, Tensor | None]:
    """The two sums, (2,), and the gradients of the first with respect to the first three, where wanted."""
    precise = torch.promote_types(dtype, torch.float32)
    sums_2 = torch.zeros(2, dtype=precise, device=x_ME.device)
    grad_x_ME = torch.empty_like(x_ME) if wanted[0] else None
    grad_table_VE = torch.zeros_like(table_VE, dtype=precise) if wanted[1] else None
    grad_bias_V = torch.zeros_like(bias_V, dtype=precise) if bias_V is not None and wanted[2] else None
    table = table_VE.detach().to(dtype)
    for chunk in _chunks(len(x_ME), rows):
        count = chunk.stop - chunk.start
        size = count if dtype == precise else full(count)  # see `shape_buckets.py`: few sizes in half precision
        x_FE = _filled(x_ME[chunk].detach().to(dtype), size)
        logits_RV = (x_FE @ table.T)[:count].to(precise)
        if bias_V is not None:
            logits_RV += bias_V.detach()
        loss, correct, gradient_RV = criterion(logits_RV, chunk)
        sums_2 += torch.stack((loss, correct.to(precise)))
        if grad_bias_V is not None:
            grad_bias_V += gradient_RV.sum(dim=0)
        gradient_FV = _filled(gradient_RV.to(dtype), size)
        if grad_x_ME is not None:
            grad_x_ME[chunk] = (gradient_FV @ table)[:count]
        if grad_table_VE is not None:
            _add_product(grad_table_VE, gradient_FV.T, x_FE)
    return sums_2, grad_x_ME, grad_table_VE, grad_bias_V


def _chunks(count: int, rows: int) -> Iterator[slice]:
    for start in range(0, count, rows):
        yield slice(start, min(start + rows, count))


def _filled(rows: Tensor, size: int) -> Tensor:
    """Rows of zeros below, up to so many."""
    spare = size - len(rows)
    return functional.pad(rows, (0, 0, 0, spare)) if spare else rows


def _add_product(total: Tensor, left: Tensor, right: Tensor) -> None:
    """`total += left @ right` with no copy of the product where one precision allows it."""
    if left.dtype == total.dtype:
        total.addmm_(left, right)
    else:
        total += left @ right
